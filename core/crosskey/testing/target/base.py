"""What tests of targets share: accounts to create, reads, and applying as the engine does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

import pytest

from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    HasCatalogue,
    KindSpec,
    TargetSchema,
)
from crosskey.errors import ContractError, CrosskeyError
from crosskey.model import Account, Catalogue, Scalar, Subject
from crosskey.plan import Action, Change, FieldChange, Outcome, ReferenceChange
from crosskey.testing.conformance import Conformance
from crosskey.testing.fakes import FakeTarget
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE
from crosskey.testing.scene import Scene

__all__ = ("SWITCHED_OFF", "SWITCHED_ON", "Accounts", "TargetCase", "marker_of", "results", "subject_of")

Accounts = dict[tuple[str, str], Account]
SWITCHED_ON: Final = FieldChange(False, True)  # noqa: FBT003 - a field's two values
SWITCHED_OFF: Final = FieldChange(True, False)  # noqa: FBT003 - as above
_ROOMY: Final = 20
_MOST: Final = 10_000
_EVERYTHING: Final = {**REFUSALS, **THROTTLES, **BREAKDOWNS, **UNREADABLE}
_ISSUER: Final = "https://directory.example"


class TargetCase(Conformance):
    """Base of the classes that test a target.

    ``kinds`` are the kinds of account to try; empty: all that the schema declares. ``many`` accounts are created where
    paging is tried; take more than fit on a page.
    """

    kind: ClassVar[str] = "target"
    kinds: ClassVar[Sequence[str]] = ()
    many: ClassVar[int] = 12

    schema: TargetSchema
    catalogue: Catalogue

    def fields(self, kind: KindSpec, number: int) -> Mapping[str, Scalar]:
        """The fields of the account of person ``number``. Override where a field wants more than a made-up word."""
        return {field.name: _made_up(field.name, field.type, field.max_length, number) for field in kind.fields}

    def references(self, kind: KindSpec) -> Mapping[str, tuple[str, ...]]:
        """What a new account refers to: the first of the catalogue for each reference that must be there."""
        return {
            reference.name: (self.offered(reference.listing)[0],)
            for reference in kind.references
            if reference.required and self.offered(reference.listing)
        }

    def unacceptable(self, change: Change) -> Change | None:
        """``change``, spoilt so that the target refuses it alone; ``None``: the kit asks for a missing account."""
        _ = change
        return None

    def offered(self, listing: str) -> list[str]:
        """Ids of the catalogue under that word."""
        return [entry.id for entry in self.catalogue.entries if entry.reference == listing]

    def service(self, scene: Scene) -> FakeTarget:
        """The fake."""
        return cast("FakeTarget", scene.fake)

    async def prepare(self, scene: Scene) -> None:
        """Read the schema and the catalogue."""
        async with scene.open() as target:
            self.schema = await target.schema()
            self.catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
        scene.wire.calm()

    def tried(self) -> list[KindSpec]:
        """The kinds to try."""
        chosen = [kind for kind in self.schema.kinds if not self.kinds or kind.name in self.kinds]
        unknown = set(self.kinds) - {kind.name for kind in self.schema.kinds}
        assert not unknown, f"kinds names {sorted(unknown)}, which the schema does not have"
        assert chosen, "the schema declares no kind of account"
        return chosen

    # -- changes ------------------------------------------------------------------------------------------------------

    def create(self, kind: KindSpec, number: int) -> Change:
        """A new account for person ``number``."""
        return Change(
            id=f"{kind.name}:create:{number}",
            action="create",
            kind=kind.name,
            subject=subject_of(number),
            label=f"Kit {number}",
            marker=marker_of(number),
            active=SWITCHED_ON,
            fields={name: FieldChange(None, value) for name, value in self.fields(kind, number).items()},
            references={name: ReferenceChange((), ids) for name, ids in self.references(kind).items()},
        )

    def change(self, action: Action, account: Account, number: int, **rest: Any) -> Change:  # noqa: ANN401 - as Change has them
        """A change to an account that is there; ``rest`` are further members of the change."""
        return Change(
            id=f"{account.kind}:{action}:{account.key}",
            action=action,
            kind=account.kind,
            subject=subject_of(number),
            label=account.label or account.key,
            key=account.key,
            **rest,
        )

    def text_fields(self, kind: KindSpec) -> list[str]:
        """Text fields of a kind to try things with; those that name nothing and identify nobody come first."""
        roomy = [
            field
            for field in kind.fields
            if field.type == "text" and field.listed and "mail" not in field.name and not 0 < field.max_length < _ROOMY
        ]
        if not roomy:
            pytest.skip(f"{kind.name} has no text field that reads show, other than e-mail addresses")
        return [field.name for field in sorted(roomy, key=lambda field: (field.required, _names(field.name)))]

    def text_field(self, kind: KindSpec) -> str:
        """The first of them."""
        return self.text_fields(kind)[0]

    async def one(self, scene: Scene, account: Account) -> Account:
        """The account as a read shows it now. Fails the test where none does."""
        found = (await self.accounts(scene, account.kind)).get((account.kind, account.key))
        assert found is not None, f"{account.kind} {account.key} is on no page any more"
        return found

    async def by_hand(self, scene: Scene, kind: KindSpec) -> Account:
        """An account that somebody else made."""
        key = self.service(scene).add(kind.name, "By Hand")
        scene.clock.advance(self.schema.settle)
        account = (await self.accounts(scene, kind.name)).get((kind.name, key))
        assert account is not None, f"{kind.name} {key} was added by hand, and no read shows it"
        return account

    def missing_key(self, key: str) -> str:
        """A key like ``key`` that nobody has."""
        return str(int(key) + 900_000) if key.isdigit() else f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"

    def update(self, account: Account, field: str, value: str) -> Change:
        """A change of one field."""
        fields = {field: FieldChange(account.fields.get(field), value)}
        return self.change("update", account, 1, fields=fields)

    # -- doing --------------------------------------------------------------------------------------------------------

    async def accounts(self, scene: Scene, *kinds: str) -> Accounts:
        """Every account by kind and key, read by a new connector."""
        found: Accounts = {}

        async def whole() -> None:
            async with scene.open() as target:
                found.update(await self.listed(target, *kinds))

        if (error := await scene.refusal(whole())) is not None:
            pytest.fail(f"a read that nothing disturbed raised {type(error).__name__}: {error}")
        return found

    async def listed(self, target: Any, *kinds: str) -> Accounts:  # noqa: ANN401 - a Target
        """Every account by kind and key. Raises where the core would: for fewer accounts than there should be."""
        wanted = frozenset(kinds or [kind.name for kind in self.schema.kinds])
        managed = {
            kind.name: frozenset(reference.name for reference in kind.references)
            for kind in self.schema.kinds
            if kind.name in wanted
        }
        found: Accounts = {}
        end: AccountsComplete | None = None
        pages = 0
        async for page in target.read(AccountsRequest(kinds=wanted, references=managed)):
            pages += 1
            assert pages <= _MOST, f"read() brought {_MOST} pages and goes on: does it ever end?"
            assert end is None, "read() went on after its AccountsComplete: yield that one last"
            if isinstance(page, AccountsComplete):
                end = page
            else:
                assert isinstance(page, AccountsPage), f"read() brought a {type(page).__name__}"
                found |= {(account.kind, account.key): account for account in page.accounts}
        assert end is not None, "read() ended without AccountsComplete: yield it when all came, raise when not"
        for name, count in end.counts.items():
            here = sum(kind == name for kind, _ in found)
            if here < count:
                raise ContractError(f"read() brought {here} of {name} and says that there are {count}")
        return found

    async def applied(self, scene: Scene, *changes: Change) -> list[Outcome]:
        """What became of the changes, by a new connector that has read nothing before."""
        async with scene.open() as target:
            return await self.outcomes(scene, target, changes)

    async def outcomes(self, scene: Scene, target: Any, changes: Sequence[Change]) -> list[Outcome]:  # noqa: ANN401
        """What became of the changes. Fails the test unless each has exactly one outcome, in order."""
        outcomes = list(await target.apply(changes))
        told, asked = [outcome.change for outcome in outcomes], [change.id for change in changes]
        assert told == asked, (
            f"apply() answered for {told}, it was asked about {asked}: give one outcome for each change, in order"
        )
        for outcome in outcomes:
            scene.note(outcome.message)
            if outcome.result in ("rejected", "unknown"):
                assert outcome.message, f"{outcome.change} is {outcome.result} without a message: say what and why"
        return outcomes

    async def made(self, scene: Scene, kind: KindSpec, number: int) -> Account:
        """An account that crosskey created, as a read shows it. Fails the test where nothing came of it."""
        (outcome,) = await self.applied(scene, self.create(kind, number))
        assert outcome.result == "applied", f"a plain create of {kind.name} was {outcome.result}: {outcome.message}"
        assert outcome.key, f"a create of {kind.name} was applied and its key is not told"
        scene.clock.advance(self.schema.settle)
        account = (await self.accounts(scene, kind.name)).get((kind.name, outcome.key))
        assert account is not None, f"{kind.name} {outcome.key} was created and no read shows it"
        return account

    async def settled(self, scene: Scene, change: Change) -> list[Outcome]:
        """Apply as the engine does: an unknown outcome is looked up after the settle time before it is sent again."""
        told: list[Outcome] = []
        for _ in range(3):
            (outcome,) = await self.applied(scene, change)
            told.append(outcome)
            if outcome.result != "unknown":
                return told
            scene.wire.strikes = []
            scene.clock.advance(self.schema.settle + 1)
            async with scene.open() as target:
                found = await target.find(change) if callable(getattr(target, "find", None)) else None
            if found is not None:
                return told
        return told

    async def disturbed(self, scene: Scene, look: Callable[[Any], Awaitable[Any]], expected: object, what: str) -> None:
        """Look once for each way in which each request may go wrong: then it raises, or tells what is ``expected``."""
        __tracebackhide__ = True
        scene.wire.calm()
        async with scene.open() as target:
            assert await look(target) == expected, f"{what} is wrong before anything disturbs it"
        spots = scene.wire.spots()
        if not scene.speaks_http:
            pytest.skip("the target sends no request, so nothing can go wrong on the way")
        for spot in spots:
            for name, spoil in _EVERYTHING.items():
                scene.wire.calm()
                scene.clock.advance(3600.0)
                scene.wire.strike(spoil, spot)
                answer: list[Any] = []

                async def kept(answer: list[Any] = answer) -> None:
                    async with scene.open() as target:
                        answer.append(await look(target))

                error: CrosskeyError | None = await scene.refusal(kept())
                if error is None:
                    assert answer[0] == expected, f"{spot} met {name} each time, and {what} said {answer[0]!r}"
        scene.wire.calm()


def _names(field: str) -> bool:
    return any(word in field for word in ("name", "login", "id"))


def _made_up(name: str, sort: str, longest: int, number: int) -> Scalar:
    if sort != "text":
        return False if sort == "flag" else number
    text = f"kit{number}@people.example" if "mail" in name else f"Kit {name} {number}"
    if "phone" in name or "mobile" in name:
        text = f"+44 20 7946 {number:04d}"
    return text[:longest] if longest else text


def subject_of(number: int) -> Subject:
    """The person of that number."""
    return Subject(_ISSUER, f"kit-{number}")


def marker_of(number: int) -> str:
    """The marker that crosskey would write for that person."""
    return f"ck-{number:024d}"


def results(outcomes: Collection[Outcome]) -> list[str]:
    """What became of each."""
    return [outcome.result for outcome in outcomes]
