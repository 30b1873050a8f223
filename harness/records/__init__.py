"""What a run was asked and what it left: the schema of a record, and records on disk. Nothing here trains."""
