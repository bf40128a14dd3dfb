"""Thin ASGI handlers. Needs ``pip install 'crosskey[web]'``; everything else does without."""
