"""A little mapper that is right; ``bug`` makes it wrong in one way (synthetic)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from crosskey import (
    Candidate,
    ConfigError,
    Desired,
    LeaverPolicy,
    MapperSpec,
    MappingContext,
    MatchKey,
    Settings,
    hookimpl,
)

_COUNTER = itertools.count()


class LittleSettings(Settings):
    site: str
    group: str = ""
    bug: str = ""


class LittleRules:
    attributes = frozenset({"job"})
    apps: frozenset[str] = frozenset()
    leavers = LeaverPolicy()

    def __init__(self, settings: LittleSettings, context: MappingContext) -> None:
        self.bug = settings.bug
        self.site = context.catalogue.resolve("site", settings.site, where=f"{context.path}.site")
        if self.bug == "wrong_rules_fail_late":
            self.site = "0"
        self.group = settings.group
        self.groups = frozenset({settings.group} if settings.group else ())
        self.fields = {"name": "always", "emailaddress": "always", "title": "on_create"}
        self.managed = frozenset({"site"})
        self.match = [MatchKey("email", ("mail",) if self.bug == "matches_by_no_field" else ("emailaddress",))]
        self.before = ""

    def __call__(self, people: Sequence[Candidate]) -> Sequence[Desired]:
        told = [self.one(candidate) for candidate in people]
        if self.bug == "the_inactive_have_no_answer":
            told = [desired for desired, one in zip(told, people, strict=True) if one.person.active is not None]
        return told

    def one(self, candidate: Candidate) -> Desired:
        person = candidate.person
        if self.group and self.group not in candidate.groups:
            return Desired(in_scope=False, why={"": f"not in {self.group}"})
        job = person.extra.get("job")
        if self.bug == "raises_for_the_strange":
            job = job.upper()
        if self.bug == "writes_into_people":
            person.extra["job"] = str(job)
        if self.bug == "reads_what_it_does_not_declare":
            job = person.extra.get("kit_undeclared", job)
        name = person.display_name.strip()[:60]
        if self.bug == "numbers_people":
            name = f"{name} {next(_COUNTER)}"
        if self.bug == "remembers_the_last":
            name, self.before = f"{name}{self.before}"[:60], name[:3]
        fields = {"name": name, "emailaddress": person.email, "title": job if isinstance(job, str) else ""}
        if self.bug == "text_is_whatever_came":
            fields["title"] = job
        if self.bug == "writes_what_it_does_not_declare":
            fields["vip"] = True
        problem = "" if name.strip() or self.bug == "needs_no_name" else "there is no name"
        site = "Acme / Main" if self.bug == "names_instead_of_ids" else self.site
        why = {} if self.bug == "says_nothing" else {"": "everybody", "site": "the default"}
        return Desired(in_scope=True, fields=fields, references={"site": (site,)}, why=why, problem=problem)


def compiled(settings: LittleSettings, context: MappingContext) -> LittleRules:
    try:
        return LittleRules(settings, context)
    except ConfigError:
        if settings.bug == "takes_wrong_rules":
            return LittleRules(msgspec.structs.replace(settings, site="Main"), context)
        if settings.bug == "raises_a_value_error":
            raise ValueError("site") from None
        raise


@hookimpl
def crosskey_mappers():
    return [MapperSpec(name="little", summary="Little rules", settings=LittleSettings, compile=compiled)]
