"""A sign-in flow with all checks passes the kit; without any single one the test that is about it fails."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from kit_judged import judged
from little_flow import CLIENT, FACTOR, ISSUER

from crosskey.testing import FakeProvider, SsoFlowConformance

TOKEN = "test_a_token_that_says_something_wrong_is_refused"
SIGNATURE = "test_a_token_that_the_provider_did_not_sign_is_refused"
BROWSER = "test_what_the_browser_brings_is_not_believed"
METADATA = "test_metadata_of_somebody_else_is_refused"
PINS = "test_a_provider_that_was_seen_does_not_move_or_get_weaker"
FACTORS = "test_a_second_factor_is_proven_or_not_and_never_guessed"

CAUGHT = {
    **dict.fromkeys(
        [
            "iss-mismatch",
            "aud-mismatch",
            "aud-untrusted",
            "azp-mismatch",
            "token-expired",
            "exp-invalid",
            "iat-invalid",
            "nbf-future",
            "nonce-mismatch",
            "at-hash-mismatch",
            "c-hash-mismatch",
        ],
        TOKEN,
    ),
    **dict.fromkeys(["alg-refused", "signature-invalid", "typ-refused", "token-malformed"], SIGNATURE),
    **dict.fromkeys(
        ["response-iss-mismatch", "provider-refused", "callback-malformed", "code-refused", "callback-mode"], BROWSER
    ),
    **dict.fromkeys(
        ["issuer-mismatch", "endpoint-insecure", "metadata-invalid", "pkce-dropped", "metadata-redirect"], METADATA
    ),
    "endpoint-moved": PINS,
    "auth-time-stale": "test_a_sign_in_that_is_too_old_is_refused",
    "sub-invalid": "test_a_token_that_names_nobody_is_refused",
    "addresses_are_people": "test_a_person_is_the_same_under_another_address",
    "any_factor_is_the_second": FACTORS,
    "any_acr_is_enough": FACTORS,
    "no_nonce_is_sent": "test_the_browser_is_sent_with_all_that_protects_the_sign_in",
    "refusals_tell_the_secret": TOKEN,
    "tokens_are_text": "test_nothing_of_a_sign_in_shows_in_what_is_printed",
}


def little(bug: str = "") -> type[SsoFlowConformance]:
    class Little(SsoFlowConformance):
        plugin = "little_flow"
        use = "little"
        settings: ClassVar[str] = f'client_secret = {{ env = "SSO_SECRET" }}\nbug = "{bug}"'
        secrets: ClassVar = {"SSO_SECRET": "synthetic-client-secret"}
        proves: ClassVar = {"acr": FACTOR}

        def vendor(self, clock):
            return FakeProvider(clock, issuer=ISSUER, client_id=CLIENT)

    return Little


def test_a_flow_with_all_checks_passes(tmp_path: Path) -> None:
    failures, left_out = judged(little(), tmp_path)
    assert failures == {}
    assert all(reason.startswith("the sso flow has no ") for reason in left_out.values())


@pytest.mark.parametrize("bug", CAUGHT)
def test_a_check_that_is_missing_is_noticed(bug: str, tmp_path: Path) -> None:
    failures, left_out = judged(little(bug), tmp_path, CAUGHT[bug])
    assert list(failures) == [CAUGHT[bug]], left_out
