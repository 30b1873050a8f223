"""The commands, by subject: parse, call, print. `harness.__main__` puts them together."""
