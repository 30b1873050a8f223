"""What the audit finds, one subject a module; each exports `PREDICATES`, which `harness.papers.review` collects."""
