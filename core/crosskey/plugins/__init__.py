"""Plugins found, isolated, trusted and attributed: the typed façade over pluggy."""

from crosskey.plugins.capabilities import capabilities
from crosskey.plugins.discovery import load_plugins
from crosskey.plugins.facade import Plugins
from crosskey.plugins.records import PluginRecord, Provided

__all__ = ("PluginRecord", "Plugins", "Provided", "capabilities", "load_plugins")
