"""A full read through the Okta source: everybody, all groups, the members of those named. Prints facts as JSON.

Usage: ``crosskey_read.py URL TOKEN FILE-OF-GROUP-NAMES [virtual] [member_page=N]``. With ``virtual`` every wait that
crosskey decides on passes at once and is only added up.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec
from virtual_clock import VirtualClock

from crosskey.clock import Clock, SystemClock
from crosskey.connector.source import MembersPage, PeoplePage, ReadRequest
from crosskey.context import InstanceContext
from crosskey.model import GroupSelection
from crosskey.settings import Secret
from crosskey_okta import OktaSettings, crosskey_sources


async def main(settings: OktaSettings, names: frozenset[str], clock: Clock) -> dict[str, float]:
    people = members = 0
    (spec,) = crosskey_sources()
    started = time.perf_counter()
    async with spec.open(settings, InstanceContext("source.corp", clock=clock)) as source:
        request = ReadRequest(attributes=frozenset(), groups=GroupSelection(names=names))
        async for page in source.read(request):
            if isinstance(page, PeoplePage):
                people += len(page.people)
            elif isinstance(page, MembersPage):
                members += len(page.members)
    waited = clock.elapsed if isinstance(clock, VirtualClock) else 0.0
    return {"people": people, "members": members, "seconds": time.perf_counter() - started, "waited": waited}


if __name__ == "__main__":
    url, token, file, *words = sys.argv[1:]
    settings = OktaSettings(url=url, token=Secret(token))
    for word in words:
        if word.startswith("member_page="):
            settings = msgspec.structs.replace(settings, member_page=int(word.partition("=")[2]))
    chosen = frozenset(json.loads(Path(file).read_text(encoding="utf-8")))
    of_time = VirtualClock() if "virtual" in words else SystemClock()
    print(json.dumps(asyncio.run(main(settings, chosen, of_time))))
