"""From settings to an open source; everything wrong with the settings is said at once."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from crosskey.connector.context import Context
from crosskey.errors import ConfigError
from crosskey_entra.advice import Advice
from crosskey_entra.attributes import read_attributes
from crosskey_entra.clouds import CLOUDS, Cloud, address
from crosskey_entra.credentials import ClientSecret, Credential, FederatedToken
from crosskey_entra.errors import explain
from crosskey_entra.graph import Graph
from crosskey_entra.settings import EntraSettings
from crosskey_entra.sign_in import SignIn
from crosskey_entra.source import EntraSource

__all__ = ("open_entra",)

T = TypeVar("T")

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOW_PRIORITY = {"x-ms-throttle-priority": "Low"}
"""Lets whatever people are waiting for through first when the tenant's limit is near."""


@asynccontextmanager
async def open_entra(settings: EntraSettings, context: Context) -> AsyncGenerator[EntraSource]:
    """An open source. Raises :class:`ConfigError` with every problem of the settings; sends nothing yet."""
    where = context.instance
    problems: list[ConfigError] = []

    def tried(make: Callable[[], T]) -> T | None:
        try:
            return make()
        except ConfigError as error:
            problems.append(error)
            return None

    tenant = tried(lambda: _guid(settings.tenant, f"{where}.tenant", "Directory (tenant) ID"))
    client_id = tried(lambda: _guid(settings.client_id, f"{where}.client_id", "Application (client) ID"))
    cloud = tried(lambda: _cloud(settings, where))
    credential = tried(lambda: _credential(settings, where))
    for one in settings.attributes.items():
        tried(partial(read_attributes, dict([one]), None, where))
    if tenant is None or client_id is None or cloud is None or credential is None or problems:
        raise _all_of(problems)

    advice = Advice(where)
    async with context.http(cloud.authority, concurrency=2) as login:
        auth = SignIn(
            login,
            tenant=tenant,
            client_id=client_id,
            credential=credential,
            scope=cloud.scope,
            clock=context.clock,
            advice=advice,
        )
        async with context.http(
            f"{cloud.graph}/v1.0", auth=auth, headers=_LOW_PRIORITY, explain=explain, concurrency=settings.concurrency
        ) as client:
            yield EntraSource(
                Graph(client, advice, context.clock),
                settings=settings,
                # The issuer in the tenant's ID tokens, whatever address the service is reached at.
                issuer=settings.issuer or f"{CLOUDS[settings.cloud].authority}/{tenant}/v2.0",
                credential=credential,
                context=context,
            )


def _guid(text: str, where: str, name: str) -> str:
    """The id in the form that Entra gives it. A domain is refused: it can move to another tenant, the id cannot."""
    plain = text.strip().strip("{}").lower()
    if _GUID.fullmatch(plain):
        return plain
    raise ConfigError(
        f'"{text}" is no {name}',
        code="entra-guid",
        where=where,
        fix=f'copy the {name} from the Entra admin center (Overview), such as "{"0" * 8}-0000-0000-0000-{"0" * 12}"',
    )


def _cloud(settings: EntraSettings, where: str) -> Cloud:
    known = CLOUDS[settings.cloud]
    return Cloud(
        authority=address(settings.authority, known.authority, f"{where}.authority"),
        graph=address(settings.graph_url, known.graph, f"{where}.graph_url"),
    )


def _credential(settings: EntraSettings, where: str) -> Credential:
    given = {
        "client_secret": settings.client_secret is not None,
        "certificate": settings.certificate is not None,
        "federated_token_file": bool(settings.federated_token_file),
    }
    names = [name for name, there in given.items() if there]
    if len(names) > 1:
        raise _credential_problem(f"there are {len(names)} credentials: {', '.join(names)}", where, "keep one of them")
    if settings.private_key is not None and settings.certificate is None:
        fix = 'write certificate = { file = "app.pem" }, or remove private_key'
        raise _credential_problem("there is a private_key without its certificate", where, fix)
    if settings.client_secret is not None:
        return ClientSecret(settings.client_secret)
    if settings.certificate is not None:
        from crosskey_entra.certificate import read_certificate  # noqa: PLC0415 - cryptography only where it is needed

        return read_certificate(settings.certificate, settings.private_key, where)
    if settings.federated_token_file:
        return FederatedToken(settings.federated_token_file, where)
    fix = 'write client_secret = { env = "ENTRA_SECRET" }, certificate = { file = "app.pem" } or federated_token_file'
    raise _credential_problem("there is no credential", where, fix)


def _credential_problem(message: str, where: str, fix: str) -> ConfigError:
    return ConfigError(message, code="entra-credential", where=where, fix=fix)


def _all_of(problems: Sequence[ConfigError]) -> ConfigError:
    first, *rest = problems
    return ConfigError(
        first.message,
        code=first.code,
        where=first.where,
        fix=first.fix,
        problems=[problem.diagnostic() for problem in rest],
    )
