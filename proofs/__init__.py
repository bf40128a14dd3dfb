"""Programs that try to break crosskey: each one command, its short tier run by the tests, its long tier by hand."""
