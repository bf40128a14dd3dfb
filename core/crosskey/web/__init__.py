"""What crosskey serves over HTTP. Needs the extra ``web``; nothing else imports it."""

from crosskey.web.door import Limits, Renew, SignalSource, Sources, Wake
from crosskey.web.routes import hook_routes
from crosskey.web.sources import HookSources, hook_sources

__all__ = ("HookSources", "Limits", "Renew", "SignalSource", "Sources", "Wake", "hook_routes", "hook_sources")
