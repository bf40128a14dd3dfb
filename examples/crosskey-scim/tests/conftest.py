"""A new service for each test."""

from __future__ import annotations

import pytest
from scim_service import Service


@pytest.fixture
def service() -> Service:
    return Service()
