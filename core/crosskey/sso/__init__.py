"""Signing people in: verification, login transactions, sessions and the signals that end them. No web framework."""
