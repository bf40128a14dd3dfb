"""``crosskey watch``."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import click

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.poking import poke
from crosskey.cli.saying import Say, sayer
from crosskey.cli.session import Session
from crosskey.config import listen_address, load_config
from crosskey.connector.notifier import Notice
from crosskey.engine.connect import Connect
from crosskey.errors import ConfigError, ExitCode
from crosskey.journal import Ask, Watchbook
from crosskey.plugins import load_plugins
from crosskey.watch import Setup, Spoken, Systemd, Watcher, read_status

__all__ = ("watch",)

_WEB: Final = ("starlette", "uvicorn", "prometheus_client")


@click.command(
    epilog="""\
\b
Examples:
  crosskey watch                 until SIGTERM; see docs/operating.md for a systemd unit
  crosskey watch --now           the watcher that runs looks at once
  crosskey watch --clear         what made rounds fail is mended: try at once
"""
)
@config_option
@json_option
@click.option("--now", is_flag=True, help="Ask the running watcher for a round now.")
@click.option("--full", is_flag=True, help="With --now: read everybody and every account.")
@click.option("--clear", is_flag=True, help="End a quarantine: the running watcher tries at once.")
@click.option("--test-notices", is_flag=True, help="Send a test notice through every [notify.<name>].")
@watch_options
def watch(config_path: Path, *, as_json: bool, now: bool, full: bool, clear: bool, test_notices: bool) -> int:
    """Keep in step for years: rounds of changes often, everything daily.

    Prints a line for each round. SIGTERM ends it after the batch under way, SIGHUP reads the configuration again,
    SIGUSR1 begins a round.
    """
    if now + clear + test_notices > 1 or (full and not now):
        raise click.UsageError("--now [--full], --clear and --test-notices are different things: give one")
    if now:
        return _ask(config_path, "everything" if full else "changes")
    if clear:
        return _clear(config_path)
    setup = _loading(config_path)
    if test_notices:
        return asyncio.run(_test(setup()))
    return asyncio.run(_watch(setup, sayer(as_json=as_json)))


def _loading(config_path: Path) -> Callable[[], Setup]:
    plugins = load_plugins()
    connect = Connect()

    def load() -> Setup:
        config = load_config(config_path, plugins, watching=True)
        return Setup(config=config, plugins=plugins, connect=connect)

    return load


async def _watch(load: Callable[[], Setup], say: Say) -> int:
    setup = load()

    @asynccontextmanager
    async def endpoints() -> AsyncGenerator[None]:
        listen = setup.config.watch.listen
        missing = [name for name in _WEB if importlib.util.find_spec(name) is None]
        if not listen or missing:
            if listen:
                say(f"no endpoints: {', '.join(missing)} not installed (pip install 'crosskey[web]')")
            yield
            return
        from crosskey.web import hook_routes, hook_sources  # noqa: PLC0415 - needs the extra `web`
        from crosskey.web.app import watch_app  # noqa: PLC0415 - the same
        from crosskey.web.server import serving  # noqa: PLC0415 - the same

        async with hook_sources(lambda: watcher.setup) as sources:
            spoke = Spoken(lambda: watcher.setup)
            routes = hook_routes(sources, watcher.wake, setup.connect.clock, renew=watcher.renew_hooks, spoke=spoke)
            async with serving(watch_app(watcher, routes), *listen_address(listen)) as url:
                say(f"{url}/status tells how it is doing; hooks come in at /hooks/{', /hooks/'.join(sources.names)}")
                yield

    watcher = Watcher(setup, reload=load, systemd=Systemd(), say=say, beside=endpoints)
    loop = asyncio.get_running_loop()
    handlers = {"SIGTERM": watcher.stop, "SIGINT": watcher.stop, "SIGHUP": watcher.reload, "SIGUSR1": watcher.ask}
    for name, handler in handlers.items():
        loop.add_signal_handler(getattr(signal, name), handler)
    return await watcher.run()


def _ask(config_path: Path, wanted: Ask) -> int:
    session = Session(config_path, offline=True)
    with _book(session) as book:
        status = read_status(book, session.config, session.clock.now())
        if status.watching != "yes":
            raise ConfigError(
                "nobody watches",
                code="not-watched",
                where=str(config_path),
                fix="start `crosskey watch`, or run `crosskey sync` once",
            )
        book.ask(wanted)
        poke(book)
    click.echo("asked; see what comes of it with `crosskey status`")
    return int(ExitCode.OK)


def _clear(config_path: Path) -> int:
    session = Session(config_path, offline=True)
    with _book(session) as book:
        there = book.clear_trouble(by="command")
        if book.watcher() is not None:
            book.ask("everything")
        poke(book)
    click.echo("cleared; the watcher reads everything at once" if there else "there was no quarantine")
    return int(ExitCode.OK)


def _book(session: Session) -> Watchbook:
    return Watchbook.noting(session.config.journal.path, clock=session.clock, connection=session.connection)


async def _test(setup: Setup) -> int:
    from crosskey.watch.delivery import send  # noqa: PLC0415 - only for the test

    if not setup.config.notify:
        raise ConfigError(
            "there is nobody to tell", code="no-notifier", where=str(setup.config.path), fix="write a [notify.<name>]"
        )
    code = ExitCode.OK
    for name in sorted(setup.config.notify):
        notice = Notice(
            key=f"{setup.connection}:test",
            code="test",
            severity="info",
            at=setup.connect.clock.now(),
            subject=f"{setup.connection}: a test",
            text="If you read this, notices arrive.",
        )
        problem = await send(setup, name, notice)
        click.echo(f"notify.{name}: {problem or 'sent'}")
        code = ExitCode.RETRYABLE if problem else code
    return int(code)
