"""Cases: one file each that says which configuration, what is there, and what the plan must be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta

from crosskey.config.decode import Decoder
from crosskey.config.document import read_document
from crosskey.errors import ConfigError
from crosskey.rehearsal.desk import DescribedAccount
from crosskey.rehearsal.expectation import Expectation
from crosskey.rehearsal.people import DescribedPerson, described_people
from crosskey.settings import Secret, SecretReference, Settings

__all__ = ("Case", "CaseFile", "Scene", "read_case", "read_scene")


class Scene(Settings, frozen=True, kw_only=True):
    """Which configuration is tested, and against what.

    What is described replaces the vendor: people the sources, accounts or a catalogue the target. All other requests
    are answered by the cassettes. Paths are relative to the file.
    """

    config: Annotated[Path, Meta(description="The configuration.")]
    before: Annotated[
        Path | None,
        Meta(description="The configuration that was applied before: the plan is what the new one changes."),
    ] = None
    cassettes: Annotated[
        tuple[Path, ...], Meta(description="What vendors answered, as `crosskey cassette record` keeps it.")
    ] = ()
    people: Annotated[
        tuple[dict[str, Any], ...],
        Meta(description="People, in the words of rules: { email = …, groups = […], title = … }."),
    ] = ()
    accounts: Annotated[
        tuple[DescribedAccount, ...], Meta(description="Accounts that are there before: { kind = …, fields = {…} }.")
    ] = ()
    catalogue: Annotated[
        dict[str, tuple[str, ...]],
        Meta(description='What accounts can refer to: { site = ["Acme / Main"] }. Left out: whatever rules name.'),
    ] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    allow: Annotated[tuple[str, ...], Meta(description="As `--allow` of `crosskey plan`: mass-disable=37.")] = ()


S = TypeVar("S", bound=Scene)


class CaseFile(Scene, frozen=True, kw_only=True):
    """A case as it is written."""

    expect: Annotated[Expectation, Meta(description="What the plan must be.")]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case that was read: paths are whole, people are known."""

    path: Path
    scene: Scene
    people: tuple[DescribedPerson, ...]
    expect: Expectation


def read_case(path: Path) -> Case:
    """Read a case. Raises one :class:`ConfigError` with everything that is wrong with it."""
    written, people = _decoded(CaseFile, read_document(path).tables, str(path))
    return Case(path=path, scene=_placed(written, path.absolute().parent), people=people, expect=written.expect)


def read_scene(tables: Mapping[str, object], folder: Path) -> tuple[Scene, tuple[DescribedPerson, ...]]:
    """A scene that is handed in as tables, and its people. Raises as :func:`read_case` does."""
    written, people = _decoded(Scene, tables, "the scene")
    return _placed(written, folder), people


def _decoded(wanted: type[S], tables: Mapping[str, object], where: str) -> tuple[S, tuple[DescribedPerson, ...]]:
    decoder = Decoder(_no_secret)
    written = decoder.struct(wanted, dict(tables), "")
    told = tables.get("people")
    people = described_people(decoder, cast("list[dict[str, Any]]", told)) if _are_tables(told) else ()
    if isinstance(written, msgspec.UnsetType) or decoder.problems:
        count = "one problem" if len(decoder.problems) == 1 else f"{len(decoder.problems)} problems"
        raise ConfigError(f"the case has {count}", code="case-invalid", where=where, problems=decoder.problems)
    return written, people


def _placed(given: Scene, folder: Path) -> Scene:
    """The scene with whole paths."""
    return Scene(
        config=_below(folder, given.config),
        before=_below(folder, given.before) if given.before else None,
        cassettes=tuple(_below(folder, path) for path in given.cassettes),
        people=given.people,
        accounts=given.accounts,
        catalogue=given.catalogue,
        allow=given.allow,
    )


def _below(folder: Path, path: Path) -> Path:
    return Path(os.path.normpath(folder / path))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in cast("list[object]", value))


def _no_secret(_reference: SecretReference, _path: str) -> Secret:
    raise NotImplementedError  # no key of a case is a secret
