"""What the machine can do, what a variant asks of it, and how two ways of doing it compare."""
