"""Sign-in set up at both vendors: looked at, compared with the doors' sections, and made so."""

from crosskey.sso.set_up.looking import Entrance, look
from crosskey.sso.set_up.making import Made, make

__all__ = ("Entrance", "Made", "look", "make")
