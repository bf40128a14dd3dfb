"""``crosskey watch``: rounds for years, whatever a run raises; and what it says about itself."""

from crosskey.watch.setup import Setup
from crosskey.watch.spoken import Spoken
from crosskey.watch.status import Status, read_status
from crosskey.watch.systemd import Systemd
from crosskey.watch.watcher import Watcher

__all__ = ("Setup", "Spoken", "Status", "Systemd", "Watcher", "read_status")
