"""Real input is used where it is, and missed loudly where it is not."""

from __future__ import annotations

import okta_recordings
import pytest


def test_an_absent_recording_is_said_with_its_place(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(okta_recordings, "RECORDINGS", tmp_path)
    with pytest.raises(pytest.skip.Exception, match=f"no recording at {tmp_path}"):
        okta_recordings.recording("list-users.har")


def test_nothing_real_was_skipped(skipped_real_tests: list[str]) -> None:
    """Comes last (see ``conftest.py``) and runs only where the recordings are."""
    assert skipped_real_tests == []
