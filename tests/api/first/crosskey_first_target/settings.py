"""What a team writes below ``[target.<name>]``."""

from __future__ import annotations

from typing import Annotated

from crosskey import ConfigError, Secret, Settings
from msgspec import Meta

__all__ = ("FirstTargetSettings",)


class FirstTargetSettings(Settings, frozen=True, kw_only=True):
    """Each description is the documentation: in ``crosskey init``, ``plugins show`` and error messages."""

    url: Annotated[str, Meta(description="Its address, such as `https://first-target.example`.")]
    token: Annotated[Secret, Meta(description="API token with the scopes `accounts:read` and `accounts:write`.")]
    page_size: Annotated[int, Meta(ge=1, le=500, description="Rows asked for in a list.")] = 200

    def __post_init__(self) -> None:
        if not self.url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ConfigError("the token would travel unprotected", where="url", fix='write "https://…"')
