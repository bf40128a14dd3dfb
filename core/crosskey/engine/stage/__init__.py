"""What one run read and worked out, staged in SQLite so that memory stays flat however large the directory is."""

from crosskey.engine.stage.stage import Stage

__all__ = ("Stage",)
