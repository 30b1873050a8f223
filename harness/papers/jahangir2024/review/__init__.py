"""The paper against itself, one subject a module, each with its `PREDICATES`; nothing here knows of a run."""
