"""Specs (how to make something) and connectors (the open thing)."""
