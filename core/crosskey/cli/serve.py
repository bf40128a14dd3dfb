"""``crosskey serve``."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
from pathlib import Path
from typing import Final

import click

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.poking import looker, poke
from crosskey.cli.saying import Say, sayer
from crosskey.clock import SystemClock
from crosskey.config import Config, listen_address, load_config
from crosskey.errors import ConfigError, CrosskeyError, ExitCode
from crosskey.journal import Watchbook
from crosskey.plugins import load_plugins

__all__ = ("require_web", "serve")

_WEB: Final = ("starlette", "uvicorn")
_MOST: Final = 2_000
"""Connections at once: a proxy keeps some open for every one of its workers."""


@click.command(
    epilog="""\
\b
Examples:
  crosskey serve                 until SIGTERM, behind a proxy that speaks https; see docs/sso.md
"""
)
@config_option
@json_option
@watch_options
def serve(config_path: Path, *, as_json: bool) -> int:
    """Let people sign in: the doors that are switched on, and the check behind every click.

    Sessions are in the journal, so that whoever the sync switches off is refused at once. SIGTERM ends it, SIGHUP
    reads the configuration again.
    """
    require_web()
    return asyncio.run(_serve(config_path, sayer(as_json=as_json)))


def require_web() -> None:
    """Raise :class:`ConfigError` where what serves pages is not installed."""
    missing = [name for name in _WEB if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)} is not installed", code="extra-missing", fix="pip install 'crosskey[web]'"
        )


async def _serve(config_path: Path, say: Say) -> int:
    from crosskey.web.doors import Seeking, door_app, fetching, open_hall  # noqa: PLC0415 - needs the extra `web`
    from crosskey.web.server import serving  # noqa: PLC0415 - the same

    ended, again = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        loop.add_signal_handler(getattr(signal, name), ended.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    config = _load(config_path)
    while not ended.is_set():
        again.clear()
        seeker = Seeking(config, SystemClock(), poke)
        async with open_hall(config, look=looker(config), seeker=seeker) as hall, fetching(hall):
            address = listen_address(config.serve.listen)
            async with serving(door_app(hall), *address, where="serve.listen", most=_MOST) as url:
                names = ", ".join(f"/{door} for {section.rules.public_url}" for door, section in hall.sections.items())
                say(f"{url} serves {names}")
                await _either(ended, again)
        if not ended.is_set():
            config = _loaded_again(config_path, config, say)
    return int(ExitCode.OK)


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _load(path: Path) -> Config:
    config = load_config(path, load_plugins(), resolve_secrets=True, serving=True)
    if not any(section.rules.enabled for section in config.doors.values()):
        raise ConfigError(
            "no door is switched on",
            code="no-door",
            where=str(path),
            fix="write enabled = true in [sso.agents] or [sso.portal]",
        )
    Watchbook.prepare(config.journal.path, clock=SystemClock(), connection=config.connection)
    return config


def _loaded_again(path: Path, before: Config, say: Say) -> Config:
    try:
        return _load(path)
    except CrosskeyError as error:
        say(f"the configuration stays as it was: {error.message}")
        return before
