"""Is a stored record sound? All is computed again from what else is stored. What it says of a paper is judging."""
