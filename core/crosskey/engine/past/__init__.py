"""The past: what runs read and knew is kept, so that any of them can be explained, and planned again by other rules."""

from crosskey.engine.past.moment import Moment
from crosskey.engine.past.remembering import Remembering
from crosskey.engine.past.shelf import Kept, Shelf

__all__ = ("Kept", "Moment", "Remembering", "Shelf")
