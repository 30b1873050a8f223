"""The pages of what is known of a paper: EXPECTED.md and its appendices in docs/paper, one module a page."""
