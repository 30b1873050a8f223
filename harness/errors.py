"""The errors that are made for people; whatever else is raised is a mistake in the program."""

from __future__ import annotations


class UserError(Exception):
    """What was asked for cannot be done: the message says why, and what to do. The command line prints it alone."""

    exit_code = 2
    """With which a command leaves: wrong usage or data."""
