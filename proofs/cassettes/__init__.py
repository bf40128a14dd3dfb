"""Cassettes changed in one place: refused, or harmless (T13)."""
