"""The command line: one file per command; the only place that starts an event loop."""
