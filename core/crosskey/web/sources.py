"""The sources behind the hooks, open as long as their addresses are served."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from crosskey.config import Config
from crosskey.connector.signal import ReceivesSignals
from crosskey.engine.connect import Connect
from crosskey.web.door import SignalSource

__all__ = ("hook_sources",)


@asynccontextmanager
async def hook_sources(config: Config, connect: Connect) -> AsyncGenerator[Mapping[str, SignalSource]]:
    """By name, those sources of ``[sync]`` that understand what their vendor pushes. Opening costs no request."""
    async with AsyncExitStack() as stack:
        opened = {
            name: await stack.enter_async_context(connect.source(config.sources[name])) for name in config.sync.sources
        }
        yield {
            name: cast("SignalSource", source) for name, source in opened.items() if isinstance(source, ReceivesSignals)
        }
