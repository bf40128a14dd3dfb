"""Security events that we fetch ourselves (RFC 8936): for transmitters that cannot reach us, and for what got lost."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crosskey.connector.sso import SignalMessage
from crosskey.http import Client
from crosskey.settings import Secret
from crosskey.sso.doorkeeper import Doorkeeper

__all__ = ("poll_events",)

_AT_ONCE: Final = 50
_ROUNDS: Final = 20


class _Sets(msgspec.Struct, rename="camel"):
    sets: dict[str, str] = {}
    more_available: bool = False


async def poll_events(client: Client, url: str, secret: Secret, keeper: Doorkeeper) -> int:
    """Fetch what waits, carry it out, and say which of it was taken and which was not; how many events were heard.

    What cannot be judged now (the keys cannot be had) is neither taken nor refused: it comes again with the next poll.
    Raises :class:`crosskey.errors.CrosskeyError` when the transmitter cannot be asked.
    """
    taken: list[str] = []
    refused: dict[str, Any] = {}
    heard = 0
    for _ in range(_ROUNDS):
        asked = {"maxEvents": _AT_ONCE, "returnImmediately": True, "ack": taken, "setErrs": refused}
        reply = await client.call(
            "POST",
            url,
            decode=_Sets,
            json=asked,
            headers={"Authorization": f"Bearer {secret.reveal()}"},
            repeatable=True,  # saying twice what was taken changes nothing
        )
        taken, refused = [], {}
        for id_, token in reply.value.sets.items():
            answer = await keeper.hear(SignalMessage(channel="security-event", token=token, polled=True))
            if answer.status == 202:
                taken.append(id_)
            elif answer.status < 500:
                refused[id_] = msgspec.json.decode(answer.body)
        heard += len(taken)
        if not (taken or refused):
            break
    return heard
