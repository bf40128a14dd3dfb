"""What an instance says about itself (``/InstanceInfo``)."""

from __future__ import annotations

import msgspec

from crosskey_halo.rows import Number

__all__ = ("InstanceInfo",)


class InstanceInfo(msgspec.Struct, frozen=True):
    """Versions, licences and addresses; older versions leave members out."""

    app_name: str | None = None
    app_version: str | None = None
    agent_count: Number = None
    licensed_agent_count: Number = None
    agent_url: str | None = None
    portal_url: str | None = None
    auth_url: str | None = None
