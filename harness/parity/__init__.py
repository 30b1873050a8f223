"""The parity ladder: two implementations of one variant against an arbiter in float64, rung by rung."""
