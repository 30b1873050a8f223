"""The pytest plugin, loaded by `-p harness.plugin`: options, markers, fixtures, and the table at the end."""

pytest_plugins = ("harness.plugin.base", "harness.plugin.suite")
