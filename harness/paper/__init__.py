"""What the paper says, and nothing of ours."""
