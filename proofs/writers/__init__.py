"""T8: two writers of one journal. Whoever slept through its own replacement has at most one request under way."""
