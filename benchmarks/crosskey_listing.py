"""Ours: the same list through the Okta source, as the engine reads it; all attributes, every person a ``Person``."""

from __future__ import annotations

import asyncio
import sys

from crosskey.connector.source import PeoplePage, ReadRequest
from crosskey.context import InstanceContext
from crosskey.settings import Secret
from crosskey_okta import OktaSettings, crosskey_sources


async def main(url: str) -> int:
    count = 0
    (spec,) = crosskey_sources()
    settings = OktaSettings(url=url, token=Secret("synthetic"))
    async with spec.open(settings, InstanceContext("source.corp")) as source:
        async for page in source.read(ReadRequest(attributes=frozenset())):
            if isinstance(page, PeoplePage):
                count += len(page.people)
    return count


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1])))
