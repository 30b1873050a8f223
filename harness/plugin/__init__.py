"""The pytest plugin, by `-p harness.plugin`: options, markers, fixtures, the closing table; no test lies here."""

pytest_plugins = ("harness.plugin.base", "harness.plugin.suite")
