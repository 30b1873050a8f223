"""The commands, one file each: parse, call, print; whatever can be used without a terminal belongs elsewhere."""
