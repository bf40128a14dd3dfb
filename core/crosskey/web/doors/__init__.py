"""The doors: pages by which agents and portal users come in and go out, and the check behind every click."""

from crosskey.web.doors.app import door_app
from crosskey.web.doors.fetching import fetching
from crosskey.web.doors.hall import Hall, OpenDoor, open_hall
from crosskey.web.doors.rehearsing import Stage, rehearsal
from crosskey.web.doors.seeking import Seeking

__all__ = ("Hall", "OpenDoor", "Seeking", "Stage", "door_app", "fetching", "open_hall", "rehearsal")
