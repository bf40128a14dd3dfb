"""From settings to an open source; everything wrong with the settings is said at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from crosskey.connector.context import Context
from crosskey.errors import ConfigError, close_matches
from crosskey.settings import Secret
from crosskey_okta.address import Address, read_address
from crosskey_okta.advice import Advice
from crosskey_okta.api_token import ApiToken
from crosskey_okta.errors import explain
from crosskey_okta.org import Org
from crosskey_okta.people import PROFILE_ATTRIBUTES
from crosskey_okta.settings import OktaSettings
from crosskey_okta.source import OktaSource

if TYPE_CHECKING:
    from crosskey_okta.service_app import ServiceApp

__all__ = ("open_okta",)


@asynccontextmanager
async def open_okta(settings: OktaSettings, context: Context) -> AsyncGenerator[OktaSource]:
    """An open source. Raises :class:`ConfigError` with every problem of the settings; sends nothing yet."""
    where = context.instance
    problems = [*_credential_problems(settings, where), *_attribute_problems(settings, where)]
    address, app = Address("", ""), None
    try:
        address = read_address(settings.url, f"{where}.url")
    except ConfigError as error:
        problems.append(error)
    advice = Advice(where, app=settings.token is None, scopes=settings.scopes)
    if settings.private_key is not None:
        try:
            app = _service_app(settings, settings.private_key, address, advice, context)
        except ConfigError as error:
            problems.append(error)
    if problems:
        raise _all_of(problems)

    auth = app or (ApiToken(settings.token) if settings.token else None)
    async with context.http(
        address.base,
        auth=auth,
        headers={"Accept": "application/json"},
        explain=explain,
        hosts=[host.removeprefix("https://").rstrip("/") for host in settings.hosts],
        concurrency=settings.concurrency,
    ) as client:
        yield OktaSource(Org(client, advice, app), settings=settings, address=address, context=context)


def _service_app(
    settings: OktaSettings, private_key: Secret, address: Address, advice: Advice, context: Context
) -> ServiceApp:
    from crosskey_okta.keys import read_client_key  # noqa: PLC0415 - cryptography is for service apps only
    from crosskey_okta.service_app import ServiceApp  # noqa: PLC0415 - as above

    return ServiceApp(
        base=address.base,
        client_id=settings.client_id,
        key=read_client_key(private_key, settings.key_id, context.instance),
        scopes=settings.scopes,
        dpop=settings.dpop,
        clock=context.clock,
        advice=advice,
    )


def _all_of(problems: Sequence[ConfigError]) -> ConfigError:
    first, *rest = problems
    return ConfigError(
        first.message,
        code=first.code,
        where=first.where,
        fix=first.fix,
        problems=[problem.diagnostic() for problem in rest],
    )


def _credential_problems(settings: OktaSettings, where: str) -> Iterator[ConfigError]:
    app = {
        "client_id": bool(settings.client_id),
        "private_key": settings.private_key is not None,
        "key_id": bool(settings.key_id),
    }
    message = fix = ""
    if settings.token is None and not any(app.values()):
        message = "there is no credential"
        fix = 'write token = { env = "OKTA_TOKEN" }, or client_id and private_key of an API Services app'
    elif settings.token is not None and any(app.values()):
        message = f"there are two credentials: token, and {', '.join(name for name, given in app.items() if given)}"
        fix = "keep the token or the service app, and remove the other"
    elif settings.token is None and not (app["client_id"] and app["private_key"]):
        missing = "client_id" if not app["client_id"] else "private_key"
        message = f"the service app lacks its {missing}"
        example = '"0oa…"' if missing == "client_id" else '{ file = "okta-key.pem" }'
        fix = f"write {missing} = {example}"
    elif settings.token is None and not settings.scopes:
        message, fix = "no scope is asked for", "remove `scopes`; the default holds what a read needs"
    if message:
        yield ConfigError(message, code="okta-credential", where=where, fix=fix)


def _attribute_problems(settings: OktaSettings, where: str) -> Iterator[ConfigError]:
    for name in settings.attributes:
        if name not in PROFILE_ATTRIBUTES:
            yield ConfigError(
                f'"{name}" is no neutral attribute. {close_matches(name, PROFILE_ATTRIBUTES)}',
                code="okta-attribute",
                where=f"{where}.attributes",
                fix=f"correct or remove it; mappings see every other Okta attribute as extra.<name>, so `{name}` may "
                "not need a line here",
            )
