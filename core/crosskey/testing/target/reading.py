"""Targets: the schema is true, and a read brings every account as the schema says."""

from __future__ import annotations

from crosskey.connector.target import AccountsRequest, KindSpec
from crosskey.model import Account
from crosskey.testing.scene import Scene
from crosskey.testing.shapes import misfits
from crosskey.testing.target.base import TargetCase
from crosskey.testing.tiers import must, should

__all__ = ("Reading",)

_TYPES: dict[str, tuple[type, ...]] = {"text": (str,), "flag": (bool,), "number": (int, float)}


CONDITIONS = frozenset({"group", "groups", "app", "apps", "where"})
"""What a rule of ``[[map.<kind>.assign]]`` reads as a condition; every other key is a reference to give."""


class Reading(TargetCase):
    """Tests of :meth:`crosskey.Target.schema`, :meth:`crosskey.Target.read` and the catalogue."""

    @must()
    async def test_the_schema_is_whole_and_costs_no_request(self, scene: Scene) -> None:
        """Proves that kinds, fields and references have names of their own and limits make sense, without a request.

        When it fails, look at ``schema()``: it is asked for with every run and every plan.
        """
        async with scene.open() as target:
            scene.wire.calm()
            schema = await target.schema()
            asked = len(scene.wire.exchanges)
        assert not asked, f"schema() sent {asked} requests: it must know its kinds without asking"
        assert not (wrong := misfits(schema)), f"the schema does not fit its types: {wrong}"
        names = [kind.name for kind in schema.kinds]
        assert names, "the schema declares no kind of account"
        assert len(set(names)) == len(names), f"two kinds share a name: {names}"
        assert schema.batch >= 1, f"batch is {schema.batch}: at least one change goes out at a time"
        assert schema.concurrency >= 1, f"concurrency is {schema.concurrency}"
        assert schema.settle >= 0, f"settle is {schema.settle}"
        for kind in schema.kinds:
            parts = [field.name for field in kind.fields] + [reference.name for reference in kind.references]
            assert len(set(parts)) == len(parts), f"{kind.name} has two fields or references of one name: {parts}"
            unusable = sorted({reference.name for reference in kind.references} & CONDITIONS)
            assert not unusable, f"no rule can give {kind.name} its {unusable}: that word says whom a rule is about"
            for field in kind.fields:
                strange = [other for other in field.also_matches if kind.field(other) is None]
                assert not strange, f"{kind.name}.{field.name} also matches {strange}, which are no fields"

    @must()
    async def test_everything_in_the_catalogue_can_be_referred_to(self, scene: Scene) -> None:  # noqa: ARG002 - read
        """Proves that catalogue entries are of references that the schema declares, each with an id of its own.

        When it fails, look at ``ReferenceSpec.catalogue``: it says under which word a reference's entries stand.
        """
        listings = {reference.listing for kind in self.schema.kinds for reference in kind.references}
        unknown = {entry.reference for entry in self.catalogue.entries} - listings
        assert not unknown, f"the catalogue has {sorted(unknown)}; references of the schema are {sorted(listings)}"
        ids = [(entry.reference, entry.id) for entry in self.catalogue.entries]
        assert len(set(ids)) == len(ids), "two catalogue entries of one reference share an id"
        assert not [entry for entry in self.catalogue.entries if not entry.name.strip()], "an entry has no name"

    @must()
    async def test_accounts_fit_the_schema(self, scene: Scene) -> None:
        """Proves that read accounts hold only declared fields and references, of the declared types.

        When it fails, look at how rows become accounts: text is ``""`` when empty, ids of references are text.
        """
        for kind in self.tried():
            await self.made(scene, kind, 1)
        for (name, key), account in (await self.accounts(scene)).items():
            kind = self.schema.kind(name)
            assert kind is not None, f"read() brought an account of the kind {name}, which the schema does not have"
            assert not (wrong := misfits(account)), f"{name} {key}: {wrong}"
            assert not (wrong := _against(account, kind)), f"{name} {key}: {wrong}"

    @must()
    async def test_only_the_kinds_that_were_asked_for_come(self, scene: Scene) -> None:
        """Proves that ``AccountsRequest.kinds`` is heeded: requests for other kinds are wasted.

        When it fails, look at the loop over kinds in ``read()``.
        """
        for kind in self.tried():
            found = {name for name, _ in await self.accounts(scene, kind.name)}
            assert found <= {kind.name}, f"asked for {kind.name}, got {sorted(found)}"

    @must()
    async def test_every_account_comes_however_many_pages_it_takes(self, scene: Scene) -> None:
        """Proves that paging goes on to the last page, and that keys are stable over two reads.

        When it fails, look at the condition that ends the paging: an account that does not come is created twice.
        """
        for kind in self.tried():
            size = max(1, self.schema.batch)
            changes = [self.create(kind, 100 + number) for number in range(self.many)]
            keys: set[str] = set()
            for start in range(0, len(changes), size):
                outcomes = await self.applied(scene, *changes[start : start + size])
                refused = [outcome for outcome in outcomes if outcome.result != "applied"]
                assert not refused, f"{len(refused)} of {len(outcomes)} plain creates of {kind.name}: {refused[0]}"
                keys |= {outcome.key or "" for outcome in outcomes}
            scene.clock.advance(self.schema.settle)
            found = {key for _, key in await self.accounts(scene, kind.name)}
            assert len(keys) == self.many, f"{self.many} creates of {kind.name} have {len(keys)} keys"
            assert keys <= found, f"{len(keys - found)} of {self.many} accounts of {kind.name} are on no page"

    @should()
    async def test_a_read_of_nothing_asks_for_nothing(self, scene: Scene) -> None:
        """Proves that a request without kinds ends at once, complete.

        When it fails, look at what ``read()`` does before its loop over kinds.
        """
        async with scene.open() as target:
            pages = [page async for page in target.read(AccountsRequest(kinds=frozenset()))]
        assert len(pages) == 1, f"a read of no kinds brought {len(pages)} pages"


def _against(account: Account, kind: KindSpec) -> str:
    for name, value in account.fields.items():
        field = kind.field(name)
        if field is None:
            return f"the field {name} is not in the schema"
        if value is not None and (
            not isinstance(value, _TYPES[field.type]) or _is_flag(value) != (field.type == "flag")
        ):
            return f"{name} is {value!r}, the schema says {field.type}"
    for name, ids in account.references.items():
        reference = kind.reference(name)
        if reference is None:
            return f"the reference {name} is not in the schema"
        if not reference.many and len(ids) > 1:
            return f"{name} refers to {len(ids)} things, the schema says one"
    return ""


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
