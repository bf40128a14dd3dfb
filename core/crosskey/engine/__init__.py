"""read → people → map → diff → rails → apply: one file per step, and :mod:`crosskey.engine.run` that composes them."""
