"""Whether a stored record is sound, by computing it again from what else is stored; what it says of a paper is in
`judging`.
"""
