"""What every connector's ``check()`` must do; shared by sources and targets."""

from __future__ import annotations

import pytest

from crosskey.connector.source import Source
from crosskey.errors import Diagnostic
from crosskey.testing.conformance import Conformance
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, UNREADABLE
from crosskey.testing.scene import Scene
from crosskey.testing.tiers import must, should

__all__ = ("Checking",)


class Checking(Conformance):
    """Tests of ``check()``."""

    async def findings(self, scene: Scene) -> list[Diagnostic]:
        """What ``check()`` says. Fails the test where it raises, or says something that is no finding."""
        async with scene.open() as connector:
            found: list[Diagnostic] = []
            connector_check: Source = connector

            async def checked() -> None:
                found.extend(await connector_check.check())

            error = await scene.refusal(checked())
            assert error is None, f"check() raised what it could have told as a finding: {error}"
        for finding in found:
            assert isinstance(finding, Diagnostic), f"check() told a {type(finding).__name__}, not a Diagnostic"
            scene.note(finding)
        return found

    @must()
    async def test_a_check_of_what_works_finds_no_error(self, scene: Scene) -> None:
        """Proves that ``check()`` is silent, or says what works, where all is well.

        When it fails, the finding says what it missed: give the fake what a real vendor has, or correct the check.
        """
        errors = [str(finding) for finding in await self.findings(scene) if finding.severity == "error"]
        assert not errors, f"all is well, and check() finds: {errors}"

    @must()
    async def test_a_check_names_what_a_run_would_fail_at(self, scene: Scene) -> None:
        """Proves that a refused credential is an ``error`` finding with a fix, and never an exception.

        When it fails, catch ``CrosskeyError`` around each thing that is tried and tell ``error.diagnostic()``.
        """
        if not scene.speaks_http:
            pytest.skip("it sends no request, so nobody can refuse one")
        for what, spoil in REFUSALS.items():
            scene.wire.calm()
            scene.clock.advance(600.0)
            scene.wire.strike(spoil)
            errors = [finding for finding in await self.findings(scene) if finding.severity == "error"]
            assert errors, f"every request met {what}, and check() found no error"
            assert any(finding.fix for finding in errors), f"check() names no fix: {[str(one) for one in errors]}"

    @must()
    async def test_a_check_survives_whatever_comes_back(self, scene: Scene) -> None:
        """Proves that ``check()`` tells about breakdowns and unreadable answers instead of breaking itself.

        When it fails, look at what is read from an answer without being decoded into a type.
        """
        if not scene.speaks_http:
            pytest.skip("it sends no request, so nothing can go wrong on the way")
        for what, spoil in {**BREAKDOWNS, **UNREADABLE}.items():
            scene.wire.calm()
            scene.clock.advance(7200.0)
            scene.wire.strike(spoil)
            wrong = [one for one in await self.findings(scene) if one.severity in ("warning", "error")]
            assert wrong, f"every request met {what}, and check() found nothing wrong"

    @should()
    async def test_every_finding_is_worth_reading(self, scene: Scene) -> None:
        """Proves that findings have a code and a sentence, and that errors have a fix.

        When it fails, complete the finding: the code is what scripts look for, the fix what the operator does.
        """
        scene.wire.strike(REFUSALS["403"])
        for finding in await self.findings(scene):
            assert finding.code, f"a finding without a code: {finding}"
            assert finding.summary.strip(), f"a finding without a sentence: {finding.code}"
            assert finding.severity != "error" or finding.fix, f"an error without a fix: {finding}"
