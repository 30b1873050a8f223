"""What each claim of the paper asks of runs; how samples are compared lies one folder up.

A claim holds in an implementation if all its comparisons do.
Each predicate is named in claims.toml and gets the comparable runs of one implementation.
"""

from harness.judging.claims.predicates import (
    classes,
    methods,
    seconds,
    training,
)
from harness.judging.claims.predicates.registry import PREDICATES

__all__ = ["PREDICATES", "classes", "methods", "seconds", "training"]
