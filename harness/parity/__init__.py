"""Whether two models compute the same, rung by rung against an arbiter in float64; trained runs are compared in
`agreement`.
"""
