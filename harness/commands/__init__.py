"""The commands, one file each, named as the command: parse, call, print; what needs no terminal belongs elsewhere."""
