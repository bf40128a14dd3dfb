"""T4: the real command is killed, or its disk fails, at every write of the folder where the journal lies."""
