"""The cassettes themselves: labelled, small, free of secrets, up to date; and a replay that is off is an error."""

from __future__ import annotations

import re

import pytest
import yaml  # comes with vcrpy

from cassette_cases import API_TOKEN, CASES, CASSETTES, HALO_NAME, HALO_SECRET, HOOK_SECRET, OKTA_NAME, private_key
from cassette_entra import ENTRA_NAME, ENTRA_SECRET
from cassettes_record import record
from crosskey.http import recording
from crosskey.http.cassette import RecordingError
from fake_clock import FakeClock

FILES = sorted(CASSETTES.rglob("*.yaml"))
SECRETS = (
    r"eyJ[\w-]{6,}",
    r"\b(?:SSWS|Bearer|DPoP|Basic) (?!REDACTED\b)[\w.~+/=-]{8,}",
    r"(?i)set-cookie",
    r"PRIVATE KEY",
    r"sandbox\.[\w-]{16,}",  # access tokens of the local Halo
    r'"access_token":"(?!REDACTED")',
    r"client_(?:secret|assertion)=(?!REDACTED\b)",
    r"127\.0\.0\.1|localhost",
)


def test_every_case_has_its_cassette_and_every_cassette_its_case() -> None:
    assert sorted(case.file for case in CASES.values()) == FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_cassette_is_labelled_small_and_holds_no_secret(file) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# synthetic: recorded against crosskey's sandbox")
    assert file.stat().st_size < 150_000
    for canary in (API_TOKEN, HALO_SECRET, ENTRA_SECRET, HOOK_SECRET, *private_key().splitlines()):
        assert canary not in text
    for shape in SECRETS:
        assert not re.search(shape, text), shape
    hosts = set(re.findall(r"https?://([\w.:-]+)", text))
    assert hosts <= {OKTA_NAME, HALO_NAME, ENTRA_NAME}


@pytest.mark.parametrize("text", ["SSWS 00canaryApiToken", "eyJhbGciOiJSUzI1NiJ9.e30.x", "Set-Cookie: sid=1"])
def test_the_shapes_would_be_noticed(text) -> None:
    assert any(re.search(shape, text) for shape in SECRETS)


@pytest.mark.parametrize("path", CASES)
def test_recording_anew_gives_the_same_traffic(path, tmp_path) -> None:
    """When a plugin asks otherwise, or a local vendor answers otherwise: ``python tests/cassettes_record.py``."""
    record(CASES[path], tmp_path / "again.yaml")
    again, kept = (yaml.safe_load(file.read_bytes()) for file in (tmp_path / "again.yaml", CASES[path].file))
    assert again == kept


async def test_a_request_that_was_not_recorded_fails_and_names_the_nearest() -> None:
    case = CASES["okta/check"]
    with pytest.raises(RecordingError) as caught, recording(case.file):
        async with case.open(f"https://{case.name}", FakeClock()) as source:
            await CASES["okta/full-read"].play(source)
    assert "api/v1/users?limit=200" in str(caught.value)
    assert "api/v1/users?limit=1" in str(caught.value), "the nearest one that was recorded"
    assert API_TOKEN not in str(caught.value)


@pytest.mark.parametrize("path", CASES)
async def test_what_was_recorded_and_is_not_asked_for_fails(path) -> None:
    case = CASES[path]
    with pytest.raises(RecordingError, match="recorded, but not asked for") as caught, recording(case.file):
        async with case.open(f"https://{case.name}", FakeClock()):
            pass
    assert case.name in str(caught.value)


async def test_another_body_is_another_request() -> None:
    case = CASES["halo/create-batch"]
    with pytest.raises(RecordingError, match="body"), recording(case.file):
        async with case.open(f"https://{case.name}", FakeClock()) as target:
            await CASES["halo/bisect-refused"].play(target)


async def test_without_a_cassette_nothing_is_sent(tmp_path) -> None:
    """The tests' own guard fails any connection beyond this machine, whatever is caught."""
    case = CASES["okta/check"]
    with pytest.raises(RecordingError), recording(tmp_path / "absent.yaml"):
        async with case.open(f"https://{case.name}", FakeClock()) as source:
            await CASES["okta/full-read"].play(source)
    assert not (tmp_path / "absent.yaml").exists()
