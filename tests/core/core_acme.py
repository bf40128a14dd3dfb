"""A plugin as a third party writes it: a source, a target and a mapper that never open anything."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crosskey import ConfigError, MapperSpec, Secret, Settings, SourceSpec, TargetSpec, hookimpl
from crosskey.plugins import Plugins, load_plugins


class Retry(Settings):
    attempts: Annotated[int, Meta(ge=1, description="How often to try.")] = 3
    wait: Annotated[timedelta, Meta(description="How long to wait between.")] = timedelta(seconds=90)


class AcmeSettings(Settings):
    url: Annotated[str, Meta(description="Where the directory is.")]
    token: Annotated[Secret | None, Meta(description="A token.")] = None
    password: Secret | None = None
    mode: Literal["fast", "safe"] | bool = "safe"
    timeout: timedelta | None = None
    hosts: tuple[str, ...] = ()
    keys: dict[str, Secret] = {}  # noqa: RUF012 - msgspec copies it
    levels: dict[str, Literal["low", "high"]] = {}  # noqa: RUF012 - msgspec copies it
    retry: Retry = Retry()
    steps: Annotated[tuple[Retry, ...], Meta(max_length=2)] = ()
    certificate: Path | None = None

    def __post_init__(self) -> None:
        if self.token and self.password:
            raise ConfigError("token and password exclude each other", where="password", fix="keep one of them")


class DeskSettings(Settings):
    url: str
    secret: Annotated[Secret, Meta(description="The desk's own secret.")]


class Rule(Settings):
    copy: str = msgspec.field(name="from", default="")


class RulesSettings(Settings):
    fields: dict[str, str | Rule] = {}  # noqa: RUF012 - msgspec copies it
    key: Secret | None = None


@asynccontextmanager
async def open_nothing(settings, context):
    yield object()


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="acme", summary="ACME directory", settings=AcmeSettings, open=open_nothing)]


@hookimpl
def crosskey_targets():
    return [TargetSpec(name="desk", summary="ACME desk", settings=DeskSettings, open=open_nothing)]


@hookimpl
def crosskey_mappers():
    return [MapperSpec(name="rules", summary="Rules", settings=RulesSettings, compile=lambda settings, context: None)]


ENTRY = EntryPoint("acme", "core_acme", "crosskey")

CONFIG = """
[source.corp]
use = "acme"
url = "https://acme.example.com"
[target.support]
use = "desk"
url = "https://desk.example.com"
secret = { env = "DESK_SECRET" }
[map.user]
"""


def acme_plugins() -> Plugins:
    return load_plugins([ENTRY])
