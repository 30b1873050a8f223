"""One file a command, named as the command: parse, call, print. `harness.__main__` puts them together."""
