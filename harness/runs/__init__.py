"""One training run: its description, its process, its record."""
