"""Take a run back: what it wrote, as far as that is still there, is given the values that were there before."""

from crosskey.engine.undo.undo import UndoOptions, UndoResult, undo

__all__ = ("UndoOptions", "UndoResult", "undo")
