"""What crosskey serves over HTTP. Needs the extra ``web``; nothing else imports it."""

from crosskey.web.door import Limits, Renew, SignalSource, Wake
from crosskey.web.routes import hook_routes
from crosskey.web.sources import hook_sources

__all__ = ("Limits", "Renew", "SignalSource", "Wake", "hook_routes", "hook_sources")
