"""Jahangir et al., IJIST 6(4), 2024: all that the machinery knows of this paper."""
