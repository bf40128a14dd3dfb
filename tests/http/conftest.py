"""A client over a scripted server, with a clock that never waits."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from opentelemetry.trace import NoOpTracer

from crosskey.http import Client, open_client
from fake_clock import FakeClock

BASE = "https://acme.example.test"

OpenClient = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client_for(clock: FakeClock) -> OpenClient:
    """``async with client_for(handler, **settings) as client``"""

    @asynccontextmanager
    async def opened(handler: Callable[..., object], base: str = BASE, **settings: object) -> AsyncIterator[Client]:
        settings = {"clock": clock, "tracer": NoOpTracer(), "logger": logging.getLogger("test.http")} | settings
        async with open_client(
            base,
            instance="source.corp",
            transport=httpx.MockTransport(handler),
            **settings,
        ) as client:
            yield client

    return opened
