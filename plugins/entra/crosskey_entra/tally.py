"""What was odd about the people of one read, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crosskey.errors import Diagnostic, Severity
from crosskey.model import Person
from crosskey_entra.attributes import Attributes
from crosskey_entra.settings import Verdict

__all__ = ("Tally",)


class Tally:
    """Counts page by page; ``fell_back`` is how often an e-mail address came from another property than the first."""

    def __init__(self, instance: str, guests: Verdict, attributes: Attributes) -> None:
        self._instance = instance
        self._verdict = guests
        self._places = [".".join(filter(None, (one.property, one.member))) for one in attributes.neutral["email"]]
        self._unseen = set(attributes.extra)
        self._everyone = 0
        self._guests = 0
        self._unknown = 0
        self._without_mail = 0
        self.fell_back = 0

    def add(self, people: Sequence[Person]) -> None:
        """Count a page."""
        self._everyone += len(people)
        for person in people:
            if person.status.startswith("guest"):
                self._guests += 1
            elif person.active is None:
                self._unknown += 1
            if person.active and not person.email:
                self._without_mail += 1
        if self._unseen:
            self._unseen -= {name for name in self._unseen if any(person.extra[name] != "" for person in people)}

    def findings(self) -> tuple[Diagnostic, ...]:
        """One finding for each oddity."""
        return (*self._about_guests(), *self._about_mail(), *self._about_the_rest())

    def _about_guests(self) -> Iterator[Diagnostic]:
        if self._guests == 0:
            return
        only = self._guests == self._everyone
        fate = {
            "ignore": "nothing is changed for them",
            "inactive": "they should have no accounts",
            "active": "they are treated as members are",
        }[self._verdict]
        yield self._finding(
            "warning" if only else "info",
            "entra-guests-only" if only else "entra-guests",
            f"{'all ' if only else ''}{self._guests} of {self._everyone} people are guests: {fate}",
            "check that `tenant` is the company's own"
            if only
            else f'to treat them otherwise, write guests = "active", "inactive" or "ignore" in [{self._instance}]',
        )

    def _about_mail(self) -> Iterator[Diagnostic]:
        first = self._places[0] if self._places else "mail"
        if self.fell_back:
            others = ", ".join(self._places[1:])
            yield self._finding(
                "info",
                "entra-email-elsewhere",
                f"{self.fell_back} people have no {first}: theirs was taken from {others}",
            )
        if self._without_mail:
            yield self._finding(
                "warning",
                "entra-no-email",
                f"{self._without_mail} active people have no e-mail address",
                f'say what else may be one: [{self._instance}.attributes] email = ["mail", "userPrincipalName"]',
            )

    def _about_the_rest(self) -> Iterator[Diagnostic]:
        if self._unknown:
            yield self._finding(
                "warning",
                "entra-state-unknown",
                f"Graph does not say whether {self._unknown} people are enabled: nothing is changed for them",
                "grant the app User.Read.All with admin consent, and run `crosskey check`",
            )
        for name in sorted(self._unseen):
            yield self._finding(
                "warning",
                "entra-attribute-empty",
                f'nobody has a value for "{name}"',
                f'correct its name, or say where it is: [{self._instance}.attributes] "extra.{name}" = "<property>"',
            )

    def _finding(self, severity: Severity, code: str, summary: str, fix: str = "") -> Diagnostic:
        return Diagnostic(severity=severity, code=code, summary=summary, path=self._instance, fix=fix)
