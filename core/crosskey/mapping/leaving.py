"""What a team writes about leavers, as a policy: who gets their open tickets is looked up by name."""

from __future__ import annotations

from crosskey.connector.mapper import LeaverPolicy, MappingContext
from crosskey.errors import ConfigError
from crosskey.mapping.findings import Findings
from crosskey.mapping.settings import LeaverSettings, ReassignSettings
from crosskey.plan import HandOver

__all__ = ("leaver_policy",)


def leaver_policy(settings: LeaverSettings, context: MappingContext, findings: Findings) -> LeaverPolicy:
    """The policy; notes an heir that nobody knows."""
    if isinstance(settings.duties, str):
        return LeaverPolicy(do=settings.do, after=settings.after, duties=settings.duties)
    heir = _heir(settings.duties, context, findings)
    return LeaverPolicy(do=settings.do, after=settings.after, duties="reassign", hand_over=heir)


def _heir(settings: ReassignSettings, context: MappingContext, findings: Findings) -> HandOver | None:
    path = f"{context.path}.leavers.duties.reassign"
    what, _, name = (part.strip() for part in settings.reassign.partition(":"))
    if what == context.kind.name and name:
        return HandOver(to=what, key=name, label=f"{what} {name}")
    reference = next((each for each in context.kind.references if what in (each.name, each.listing)), None)
    if reference is None or not name:
        known = [context.kind.name, *(each.listing for each in context.kind.references)]
        findings.add(
            path,
            "heir-shape",
            f'"{settings.reassign}" names nobody who could take tickets over',
            fix=f'write "{context.kind.name}:<id>", or a name behind one of {", ".join(dict.fromkeys(known))}',
        )
        return None
    try:
        key = context.catalogue.resolve(reference.listing, name, where=path)
    except ConfigError as error:
        findings.add(path, error.code, error.message, fix=error.fix)
        return None
    return HandOver(to=reference.listing, key=key, label=f"{reference.listing} {name}")
