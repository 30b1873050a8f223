"""What a run was asked and what it left: spec, record, and the store on disk; nothing here trains or judges."""
