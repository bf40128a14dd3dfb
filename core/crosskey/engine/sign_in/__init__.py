"""Sign-in set up at both vendors: looked at, compared with the doors' sections, and made so."""

from crosskey.engine.sign_in.looking import Entrance, look
from crosskey.engine.sign_in.making import Made, make

__all__ = ("Entrance", "Made", "look", "make")
