"""What one test stands on: a fake, the wire to it, a clock, and the plugin opened as the core opens it."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from crosskey.config.decode import Decoder
from crosskey.connector.mapper import MapperSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import SsoFlowSpec
from crosskey.connector.target import TargetSpec
from crosskey.context import InstanceContext
from crosskey.errors import ConfigError, CrosskeyError, Diagnostic
from crosskey.plugins import Plugins, load_plugins
from crosskey.settings import Secret, SecretReference
from crosskey.testing.clock import StuckError, VirtualClock
from crosskey.testing.fakes import FakeVendor, transport_of
from crosskey.testing.wire import Wire

__all__ = ("Declared", "Scene", "declared", "decoded")

Spec = SourceSpec | TargetSpec | MapperSpec | SsoFlowSpec


class Declared(msgspec.Struct, frozen=True):
    """A spec as a plugin declares it, and its name."""

    kind: str
    use: str
    spec: Any


@cache
def _loaded(module: str) -> Plugins:
    return load_plugins([EntryPoint(module.rpartition(".")[2], module, "crosskey")])


def declared(kind: str, module: str, use: str) -> Declared:
    """The spec named ``use`` of a plugin's module, found as crosskey finds it. Fails the test where there is none."""
    if not module or not use:
        pytest.fail(
            'say which plugin is meant: plugin = "<the module that your entry point names>", use = "<its name>"'
        )
    plugins = _loaded(module)
    offered: Mapping[str, Mapping[str, Any]] = {
        "source": plugins.sources,
        "target": plugins.targets,
        "mapper": plugins.mappers,
        "sso flow": plugins.sso_flows,
    }
    found = offered[kind].get(use)
    if found is None:
        record = plugins.found[0]
        why = f" It is {record.state}: {record.reason}" if record.reason else ""
        known = ", ".join(sorted(offered[kind])) or "none"
        pytest.fail(f'the plugin {module} offers no {kind} named "{use}" (it offers: {known}).{why}')
    return Declared(kind, use, found.value)


def decoded(wanted: type[Any], text: str, path: str, secrets: Mapping[str, str]) -> Any:  # noqa: ANN401 - the plugin's
    """Settings from the lines that stand in a section. Raises :class:`ConfigError` with every problem."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"these settings are not TOML: {error}", where=path) from None

    def secret(reference: SecretReference, where: str) -> Secret:
        return Secret(lambda: _secret(reference, where, secrets), reference)

    decoder = Decoder(secret)
    settings = decoder.struct(wanted, {key: value for key, value in table.items() if key != "use"}, path)
    if decoder.problems:
        raise _refused(decoder.problems)
    return cast("Any", settings)


def _refused(problems: list[Diagnostic]) -> ConfigError:
    first, *rest = problems
    return ConfigError(first.summary, code=first.code, where=first.path, fix=first.fix, problems=rest)


def _secret(reference: SecretReference, where: str, secrets: Mapping[str, str]) -> str:
    value = secrets.get(reference.argument)
    if value is None:
        raise ConfigError(
            f"the test class knows no secret {reference}",
            code="secret-missing",
            where=where,
            fix=f'write secrets = {{"{reference.argument}": "a made-up value"}} in the test class',
        )
    return value


class Scene:
    """One fake vendor and the plugin over it. Faults go into ``wire``, time passes on ``clock``.

    ``told`` keeps every error and finding that came up, so that none of them shows a secret.
    """

    def __init__(
        self,
        what: Declared,
        fake: FakeVendor,
        clock: VirtualClock,
        *,
        settings: str,
        secrets: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.what = what
        self.fake = fake
        self.clock = clock
        self.folder = folder
        self.secrets = {**secrets, **fake.secrets}
        answering = fake.answers()
        self.wire = Wire(None if answering is None else transport_of(answering), clock)
        self.speaks_http = answering is not None
        self.told: list[str] = []
        self._text = f"{settings}\n{fake.settings}"

    @property
    def path(self) -> str:
        """The section that the plugin is opened for."""
        return f"{self.what.kind}.kit"

    def settings(self) -> Any:  # noqa: ANN401 - the plugin's own struct
        """The plugin's settings. Fails the test where they are wrong."""
        try:
            return decoded(self.what.spec.settings, self._text, self.path, self.secrets)
        except ConfigError as error:
            pytest.fail(f"the settings of the test class are refused, as `crosskey check` would refuse them:\n{error}")

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any]:
        """The open connector, a new one each time: nothing but the vendor remembers."""
        self.wire.begin()
        context = InstanceContext(self.path, clock=self.clock, transport=lambda _: self.wire)
        async with self.what.spec.open(self.settings(), context) as connector:
            yield connector

    def note(self, said: object) -> None:
        """Keep what was told to an operator. Fails the test at once where it shows a secret."""
        text = f"{said}" if isinstance(said, CrosskeyError | Diagnostic) else repr(said)
        self.told.append(text)
        for name, value in self.secrets.items():
            if len(value) >= 6 and value in text:
                pytest.fail(
                    f"the secret {name} is shown in {type(said).__name__}: {text.replace(value, '<THE SECRET>')}\n"
                    "Look at where the message is made: quote statuses and names, never requests, headers or settings."
                )

    async def refusal(self, work: Awaitable[object]) -> CrosskeyError | None:
        """The error that something ends in, ``None`` where it comes to its end. Fails the test for a foreign one."""
        __tracebackhide__ = True
        try:
            await work
        except CrosskeyError as error:
            self.note(error)
            return error
        except (StuckError, AssertionError):
            raise
        except (Exception, SystemExit) as error:  # a plugin's own code: whatever it raises is judged here
            self.note(error)
            raise AssertionError(
                f"{type(error).__name__} came out of the plugin: {error}. An operator can do nothing with it: let the "
                "client's errors through, and raise one of crosskey.errors for the rest (ContractError for an answer "
                "that cannot be)"
            ) from error
        return None
