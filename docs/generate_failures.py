"""Everything that people get wrong, provoked: what is typed, and how the stage is set for it.

Each is run for real by :mod:`generate_runs`, so that ``troubleshooting.md`` shows the messages that people will see.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import msgspec
from joserfc.jwk import RSAKey

from crosskey.clock import SystemClock
from crosskey.errors import ExitCode
from crosskey.journal import JournalWriter
from crosskey_sandbox.okta import NO_ROLE, OktaQuirks
from crosskey_sandbox.okta.quirks import Fault
from crosskey_sandbox.okta.staffing import leave
from crosskey_sandbox.stage import Stage

__all__ = ("FAILURES", "Failure")

Preparation = Callable[[Stage, Path], AbstractContextManager[object] | None]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong. ``only`` keeps the lines that match it, where a table says much besides."""

    name: str
    words: tuple[str, ...]
    code: ExitCode
    prepare: Preparation
    before: tuple[tuple[str, ...], ...] = ()
    only: str = ""


def _replaced(*pairs: tuple[str, str]) -> Preparation:
    """The configuration with these texts replaced; each must be there."""

    def prepare(_stage: Stage, config: Path) -> None:
        text = config.read_text(encoding="utf-8")
        for old, new in pairs:
            if old not in text:
                raise ValueError(f"the sandbox's configuration has no {old!r} to spoil")
            text = text.replace(old, new, 1)
        config.write_text(text, encoding="utf-8")

    return prepare


def _address(section: str, url: Callable[[Stage], str]) -> Preparation:
    def prepare(stage: Stage, config: Path) -> None:
        old = stage.okta_url if section == "okta" else stage.halo_url
        _replaced((f'url = "{old}"', f'url = "{url(stage)}"'))(stage, config)

    return prepare


def _environment(name: str, value: str | None) -> Preparation:
    def prepare(_stage: Stage, _config: Path) -> None:
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value

    return prepare


def _no_role(stage: Stage, _config: Path) -> None:
    stage.org.access.set_rights(stage.okta_token, NO_ROLE)


def _twin_group(stage: Stage, _config: Path) -> None:
    stage.org.groups.create("All Staff", "imported by mistake")


def _okta_fault(fault: Fault) -> Preparation:
    def prepare(stage: Stage, _config: Path) -> None:
        stage.org.quirks = OktaQuirks(faults=(fault,))

    return prepare


def _exposed_secret(stage: Stage, config: Path) -> None:
    secret = config.with_name("okta-token.txt")
    secret.write_text(stage.okta_token, encoding="utf-8")
    secret.chmod(0o644)
    _replaced(('token = { env = "OKTA_TOKEN" }', 'token = { file = "okta-token.txt" }'))(stage, config)


def _unknown_status(stage: Stage, _config: Path) -> None:
    person = next(person for person in stage.company.people if person.status == "active")
    stage.org.users.find(person.login).status = "HIBERNATED"  # pyright: ignore[reportAttributeAccessIssue]  on purpose


def _no_email(stage: Stage, config: Path) -> None:
    agent = next(user for user in stage.org.groups.members(stage.org.groups.named("Service Desk")[0].id))
    stage.org.users.update_profile(agent.id, {"email": None})
    _replaced((', where = "email"', ""))(stage, config)


def _missing_scope(stage: Stage, config: Path) -> None:
    """A service app that was granted two of three scopes."""
    key = RSAKey.generate_key(2048, parameters={"kid": "docs"}, private=True)
    app = stage.org.access.add_service_app([key.as_dict(private=False)], ["okta.users.read"])
    secret = config.with_name("okta-key.pem")
    secret.touch(mode=0o600)
    secret.write_bytes(key.as_pem(private=True))
    service_app = f'client_id = "{app.client_id}"\nprivate_key = {{ file = "okta-key.pem" }}\nkey_id = "docs"'
    _replaced(('token = { env = "OKTA_TOKEN" }', service_app))(stage, config)


def _leavers(stage: Stage, _config: Path) -> None:
    active = [person for person in stage.company.people if person.status == "active"]
    for person in active[10:25]:
        leave(stage.org, person.login)


def _journal(content: bytes) -> Preparation:
    def prepare(_stage: Stage, config: Path) -> None:
        path = config.with_name(".crosskey") / "journal.sqlite"
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_bytes(content)
        path.chmod(0o600)

    return prepare


def _newer_journal(_stage: Stage, config: Path) -> None:
    path = config.with_name(".crosskey") / "journal.sqlite"
    content = bytearray(path.read_bytes())
    content[60:64] = (99).to_bytes(4, "big")  # the file's user_version (https://sqlite.org/fileformat.html §1.3)
    path.write_bytes(content)


def _busy_journal(_stage: Stage, config: Path) -> AbstractContextManager[object]:
    stack = ExitStack()
    path = config.with_name(".crosskey") / "journal.sqlite"
    stack.enter_context(JournalWriter.open(path, clock=SystemClock(), connection="desk"))
    return stack


def _nothing(_stage: Stage, _config: Path) -> None:
    pass


CHECK, PLAN, SYNC = ("check",), ("plan",), ("sync",)
_FINDING = r"^\S|✗|!|fix:"

FAILURES = (
    Failure(name="no configuration", words=(*PLAN, "--config", "desk.toml"), code=ExitCode.CONFIG, prepare=_nothing),
    Failure(
        name="malformed TOML",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(('to = "desk"', "to = desk")),
    ),
    Failure(
        name="several mistakes",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(
            ('client_id = "', 'clientid = "'), ("max_disable = { count = 10,", "max_disable = { count = -1,")
        ),
    ),
    Failure(name="missing secret", words=PLAN, code=ExitCode.CONFIG, prepare=_environment("OKTA_TOKEN", None)),
    Failure(
        name="literal secret",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(('token = { env = "OKTA_TOKEN" }', 'token = "00abc"')),
    ),
    Failure(name="exposed secret", words=PLAN, code=ExitCode.CONFIG, prepare=_exposed_secret),
    Failure(
        name="plain http",
        words=CHECK,
        code=ExitCode.CONFIG,
        prepare=_address("okta", lambda _: "http://acme.okta.com"),
        only=_FINDING,
    ),
    Failure(
        name="path in the address",
        words=CHECK,
        code=ExitCode.OK,
        prepare=_address("okta", lambda stage: f"{stage.okta_url}/admin/dashboard"),
        only=r"^source|!|fix:|^Everything",
    ),
    Failure(
        name="not an Okta org",
        words=CHECK,
        code=ExitCode.CONFIG,
        prepare=_address("okta", lambda stage: stage.halo_url),
        only=r"^source|✗|fix:|^\d+ to fix",
    ),
    Failure(name="wrong Okta token", words=PLAN, code=ExitCode.AUTH, prepare=_environment("OKTA_TOKEN", "00wrong")),
    Failure(name="wrong Halo secret", words=PLAN, code=ExitCode.AUTH, prepare=_environment("HALO_SECRET", "wrong")),
    Failure(
        name="missing scope",
        words=CHECK,
        code=ExitCode.AUTH,
        prepare=_missing_scope,
        only=r"^source|✗|!|^ +i |fix:|^\d+ to fix",
    ),
    Failure(
        name="unreachable",
        words=PLAN,
        code=ExitCode.RETRYABLE,
        prepare=_address("okta", lambda _: "http://127.0.0.1:9"),
    ),
    Failure(name="no admin role", words=PLAN, code=ExitCode.AUTH, prepare=_no_role),
    Failure(
        name="unknown group",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(('groups = ["All Staff"]', 'groups = ["All Stuff"]')),
    ),
    Failure(name="two groups of one name", words=PLAN, code=ExitCode.CONFIG, prepare=_twin_group),
    Failure(
        name="unknown site and role",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(("Acme / London", "Acme / Londn"), ('"Standard User"', '"Standard Usr"')),
    ),
    Failure(
        name="unknown attribute",
        words=PLAN,
        code=ExitCode.CONFIG,
        prepare=_replaced(('title = "title"', 'title = "titel"')),
    ),
    Failure(
        name="page of HTML",
        words=PLAN,
        code=ExitCode.PLUGIN,
        prepare=_okta_fault(Fault(kind="html", path="/api/v1/groups", status=200)),
    ),
    Failure(
        name="truncated JSON",
        words=PLAN,
        code=ExitCode.PLUGIN,
        prepare=_okta_fault(Fault(kind="truncated", path="/api/v1/groups")),
    ),
    Failure(
        name="no e-mail address",
        words=PLAN,
        code=ExitCode.HELD,
        prepare=_no_email,
        only=r"^held|mapping-problem",
    ),
    Failure(name="unknown status", words=PLAN, code=ExitCode.HELD, prepare=_unknown_status, only=r"^note|^ +fix:"),
    Failure(name="duplicate e-mail", words=PLAN, code=ExitCode.HELD, prepare=_nothing, only=r"^held|ambiguous"),
    Failure(
        name="mass disable",
        words=SYNC,
        code=ExitCode.HELD,
        before=(("apply", "--yes"),),
        prepare=_leavers,
        only=r"^held|mass-disable|^Plan|^Run",
    ),
    Failure(
        name="stale plan",
        words=("apply", "monday.plan"),
        code=ExitCode.STALE,
        before=(("plan", "--save", "monday.plan"), ("apply", "--yes")),
        prepare=_nothing,
    ),
    Failure(name="foreign journal", words=PLAN, code=ExitCode.STORAGE, prepare=_journal(b"not a journal" * 100)),
    Failure(name="newer journal", words=PLAN, code=ExitCode.STORAGE, before=(PLAN,), prepare=_newer_journal),
    Failure(name="two syncs", words=SYNC, code=ExitCode.LOCKED, prepare=_busy_journal),
    Failure(name="wrong override", words=(*SYNC, "--allow", "mass-disabled=3"), code=ExitCode.CONFIG, prepare=_nothing),
    Failure(name="unknown person", words=("explain", "nobody"), code=ExitCode.CONFIG, before=(PLAN,), prepare=_nothing),
)
