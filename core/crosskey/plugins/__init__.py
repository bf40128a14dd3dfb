"""Plugins found, isolated, trusted and attributed: the typed façade over pluggy."""

from crosskey.plugins.records import PluginRecord, Provided

__all__ = ("PluginRecord", "Provided")
