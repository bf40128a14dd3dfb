"""Ours: the same list through the Entra source, as the engine reads it. Usage: URL TENANT CLIENT-ID."""

from __future__ import annotations

import asyncio
import sys

from crosskey.connector.source import PeoplePage, ReadRequest
from crosskey.context import InstanceContext
from crosskey.settings import Secret
from crosskey_entra import EntraSettings, crosskey_sources


async def main(url: str, tenant: str, client_id: str) -> int:
    count = 0
    (spec,) = crosskey_sources()
    settings = EntraSettings(
        tenant=tenant, client_id=client_id, client_secret=Secret("synthetic"), authority=url, graph_url=url
    )
    async with spec.open(settings, InstanceContext("source.corp")) as source:
        async for page in source.read(ReadRequest(attributes=frozenset())):
            if isinstance(page, PeoplePage):
                count += len(page.people)
    return count


if __name__ == "__main__":
    print(asyncio.run(main(*sys.argv[1:])))
