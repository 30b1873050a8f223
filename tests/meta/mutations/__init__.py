"""Known errors, put into the landed code one at a time, and the checks of the suite that notice them."""
