"""What the rules have said so far about one person."""

from __future__ import annotations

import msgspec

from crosskey.connector.mapper import Desired
from crosskey.model import Scalar

__all__ = ("Draft",)


class Draft(msgspec.Struct, gc=False):
    """An account in the making; the parts of a mapping write into it one after another."""

    why: dict[str, str]
    fields: dict[str, Scalar]
    references: dict[str, tuple[str, ...]]
    problems: list[str]

    def finish(self) -> Desired:
        """The finished answer."""
        return Desired(
            in_scope=True,
            fields=self.fields,
            references=self.references,
            why=self.why,
            problem="; ".join(self.problems),
        )
