"""What a run leaves for the next one: how much was read, who is recognised, and the snapshot to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.engine.baseline import Baseline
from crosskey.engine.gather import Gathered
from crosskey.engine.order import Applied, Proposal, RunOptions
from crosskey.engine.past import Shelf
from crosskey.engine.provenance import plugins_of
from crosskey.engine.rails import Allowed, check_read
from crosskey.engine.snapshot import FORM, Origin
from crosskey.engine.stage import Stage
from crosskey.engine.unite import Unions
from crosskey.errors import Diagnostic
from crosskey.journal import JournalWriter

__all__ = ("Keeping",)


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """Keeps what one run found. ``issuers`` are those of the sources, by the path of their section."""

    config: Config
    journal: JournalWriter
    options: RunOptions
    run: str
    snapshot: Path
    shelf: Shelf
    issuers: Mapping[str, str]
    clock: Clock

    def note_read(self, gathered: Gathered, *, trusted: bool) -> bool:
        """Note what later reads are measured by, before anything is written: a run that dies half-way leaves them that.

        ``False``: this read only passed because somebody let it, and counts once that was carried out.
        """
        if trusted and check_read(gathered.people, Baseline(self.journal), self.config.rails, Allowed()):
            return False
        self._remember(gathered, trusted=trusted)
        return True

    def keep(
        self,
        stage: Stage,
        gathered: Gathered,
        unions: Unions,
        applied: Applied,
        proposal: Proposal,
        *,
        trusted: bool,
        noted: bool,
    ) -> list[Diagnostic]:
        """Keep the stage with its cursors: only now is everything that was read either done, or due again.

        The stage before it goes on the shelf; what is to be told of that is returned.
        """
        if not noted:
            self._remember(gathered, trusted=self.options.kind != "plan" and not applied.declined)
        if not trusted:
            return []
        vouchers = unions.vouchers
        if vouchers and self.options.kind != "plan" and not applied.declined:
            self.journal.vouch(self.run, vouchers)
            vouchers = []
        notes: dict[str, object] = {
            "schema": proposal.schema,
            "catalogue": proposal.catalogue,
            "read_at": self.clock.now(),
            "groups": gathered.logical.groups,
            "apps": gathered.logical.apps,
            "origin": self._origin(gathered),
            "unsaved_vouchers": vouchers,
        }
        for name, value in notes.items():
            stage.note(name, value)
        told = self.shelf.keep(self.clock.now())
        stage.keep(self.snapshot)
        return told

    def _origin(self, gathered: Gathered) -> Origin:
        return Origin(
            form=FORM,
            lineage=self.journal.lineage,
            serial=self.journal.serial,
            head=self.journal.head,
            config_digest=self.config.digest,
            plugins=plugins_of(self.config),
            issuers=dict(self.issuers),
            cursors=gathered.cursors,
            full_at=gathered.full_at,
        )

    def _remember(self, gathered: Gathered, *, trusted: bool) -> None:
        Baseline(self.journal).remember(
            self.run,
            gathered.people,
            gathered.accounts,
            target=self.config.target.path,
            trusted=trusted,
            reach=gathered.reach,
        )
