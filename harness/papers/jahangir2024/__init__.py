"""Jahangir et al., IJIST 6(4), 2024: all that is known of this paper alone; readers that serve any paper lie one folder
up.
"""
