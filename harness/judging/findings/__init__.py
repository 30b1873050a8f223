"""What the audit finds, one subject a module; each exports `PREDICATES`, which `harness.judging.audit` collects."""
