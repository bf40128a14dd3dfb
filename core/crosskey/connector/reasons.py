"""Why nobody is signed in: every reason with its stable code, what happened, and what a page says of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

__all__ = ("AREAS", "REASONS", "Page", "Reason")

Page = Literal[
    "again",
    "later",
    "second-factor",
    "no-account",
    "account-off",
    "not-allowed",
    "other-door",
    "operator",
    "signed-out",
    "not-yet",
]
"""What a person can do about it: try again, come back later, use a second factor, wait for an account, ask why it is
off, ask to be let in, use the other door, call an administrator, sign in afresh, or go on as they did before."""


class Reason(msgspec.Struct, frozen=True):
    """One reason. ``page`` is all that a browser is told besides the code; ``text`` and ``fix`` are for administrators.

    ``status`` is what an address for programs answers with it.
    """

    code: str
    page: Page
    status: int
    text: str
    fix: str


# Code, page and status; what happened; the fix.
_TEXT = """
# Metadata and keys
issuer-mismatch operator 400
  The metadata is of another issuer than the configured one.
  Write the issuer exactly as the provider does, to the last slash.
metadata-invalid operator 400
  The metadata is too large, too deep, not JSON, or lacks what it must have.
  See what the address answers; a proxy may answer in its place.
metadata-redirect operator 400
  The provider answers with a redirect where none is followed.
  Write the address that it leads to, if it is the right one.
endpoint-insecure operator 400
  An address of the provider is not https.
  Mend the provider's configuration: clear text is for this machine only.
endpoint-moved operator 400
  An address of the provider, or what it promises, is no longer what was pinned when the door was set up.
  If the provider announced it: `crosskey sso test` pins it anew.
address-refused operator 400
  The provider's name leads to an address inside a private or reserved network.
  If it is meant to: private_addresses = true for this door.
pkce-dropped operator 400
  The provider supported PKCE with S256 and says now that it does not.
  Ask the provider; nobody is signed in without it.
provider-unreachable later 503
  The provider could not be reached, and what is known of it is too old.
  See whether the network lets this machine reach it.
keys-invalid operator 400
  The provider's key set cannot be used.
  Report it to the provider.
# The shape of a token
token-malformed again 400
  The token is no signed token in compact form, or a part of it is not what it must be.
  Report it to the provider; `crosskey sso test` shows what it sends.
token-too-large again 400
  The token is larger than any that a provider makes.
  Let the provider put fewer groups into it.
token-encrypted operator 400
  The token is encrypted.
  Switch encryption of ID tokens off for this client.
alg-refused operator 400
  The token is signed in another way than the one that is configured.
  Write alg = … as the provider signs; `none` and shared secrets are never taken.
typ-refused again 400
  The token is of another kind than the one that belongs here.
  Look at who did it: no honest provider sends this.
header-refused again 400
  The token's header asks for something that is not understood.
  Look at who did it: no honest provider sends this.
key-unknown again 400
  The token is signed with a key that the provider does not publish.
  Report it to the provider; `crosskey sso test` shows what it sends.
key-ambiguous operator 400
  The token names no key, and several would fit.
  Report it to the provider; `crosskey sso test` shows what it sends.
signature-invalid again 400
  The token's signature is wrong.
  Look at who did it: no honest provider sends this.
# What a token says
iss-mismatch again 400
  The token is of another issuer.
  Report it to the provider; `crosskey sso test` shows what it sends.
sub-invalid operator 400
  The token names nobody in a way that can be used.
  Report it to the provider; `crosskey sso test` shows what it sends.
aud-mismatch operator 400
  The token is for another client.
  Compare client_id with the provider's.
aud-untrusted operator 400
  The token is for this client and for another one that nobody trusts.
  Report it to the provider; `crosskey sso test` shows what it sends.
azp-mismatch again 400
  The token was given to another client.
  Report it to the provider; `crosskey sso test` shows what it sends.
iat-invalid again 400
  The token does not say when it was made, or says a time to come.
  Compare the clocks of this machine and the provider.
iat-stale again 400
  The token was made long before this sign-in began.
  Compare the clocks of this machine and the provider.
exp-invalid operator 400
  The token does not say in a usable way when it ends.
  Report it to the provider; `crosskey sso test` shows what it sends.
token-expired again 400
  The token has ended.
  Compare the clocks of this machine and the provider.
nbf-future again 400
  The token is for a time to come.
  Compare the clocks of this machine and the provider.
nonce-mismatch again 400
  The token does not belong to this sign-in.
  Look at who did it: no honest provider sends this.
auth-time-stale again 400
  The provider signed the person in too long ago, or does not say when.
  Let the provider ask again: it must heed max_age and send auth_time.
c-hash-mismatch again 400
  The code is not the one that the token was sent with, or the token does not say.
  Look at who did it: no honest provider sends this.
at-hash-mismatch again 400
  The access token is not the one that the ID token was sent with.
  Look at who did it: no honest provider sends this.
s-hash-mismatch again 400
  The state is not the one that the token was sent with.
  Look at who did it: no honest provider sends this.
tokens-differ again 400
  The two ID tokens of one sign-in are of different people or issuers.
  Look at who did it: no honest provider sends this.
tenant-refused not-allowed 403
  The token is of a tenant that is not the configured one.
  Add the tenant if its people may come in.
version-refused operator 400
  The token is of another version of the provider's protocol than its metadata.
  Let the app registration ask for version 2 tokens.
guest-refused not-allowed 403
  The person is a guest of the tenant, and guests may not come in by this door.
  guests = true lets them.
# What a browser brings back
callback-malformed again 400
  What came back is too large, of the wrong type, or says something twice.
  Nothing, unless it comes often: then something on the way changes what is sent.
callback-mode again 400
  What came back came another way than it was asked for.
  Look at who did it: no honest provider sends this.
cookie-missing again 400
  The browser did not bring the cookie of its sign-in.
  Cookies may be blocked, or the sign-in was begun elsewhere.
state-unknown again 400
  What came back belongs to no sign-in that was begun here.
  Nothing, unless it comes often: then something on the way changes what is sent.
state-used again 400
  This sign-in came back already.
  Nothing: a person went back to an old page.
login-expired again 400
  The sign-in took longer than ten minutes.
  Nothing: the person begins again.
other-browser again 400
  The sign-in was begun in another browser.
  Look at who did it: no honest provider sends this.
other-door again 400
  The sign-in was begun at another door.
  Look at who did it: no honest provider sends this.
other-provider again 400
  The sign-in was begun with another provider or with other settings.
  Nothing, if the configuration has just been changed.
sign-in-loop again 429
  The browser was sent to the provider three times within a minute without anybody asking for it.
  See what sends it back: a desk that does not keep the session, or a proxy that asks for another door.
response-iss-mismatch again 400
  The answer is of another provider than the one that was asked.
  Look at who did it: no honest provider sends this.
response-iss-missing again 400
  The answer does not say of which provider it is, though this one always does.
  Look at who did it: no honest provider sends this.
provider-refused not-allowed 403
  The provider refused: not assigned to the app, stopped by a policy, or cancelled.
  Assign the person, or a group of theirs, to the app at the provider.
provider-error later 502
  The provider answered with an error.
  The journal has its words; `crosskey sso test` makes it again.
interaction-needed again 400
  The provider has to ask the person something and was told not to.
  Nothing: the person begins again.
# Redeeming the code
code-refused again 400
  The provider did not take the code: used, too old, or of another sign-in.
  Nothing, unless it comes often: then something on the way changes what is sent.
client-refused operator 502
  The provider does not take the client's credential.
  It may have ended: make a new one, put it where client_secret points.
token-answer-invalid later 502
  The provider's answer to the code is not what it must be.
  Report it to the provider; `crosskey sso test` shows what it sends.
userinfo-mismatch again 400
  The person's data are of somebody else than the token.
  Look at who did it: no honest provider sends this.
# The second factor
mfa-missing second-factor 403
  The provider did not prove a second factor.
  Let a policy of the provider demand one for this app.
mfa-unmet second-factor 403
  The provider says that the person cannot meet what was asked.
  Let the person enrol a second factor at the provider.
# Whose account
identity-unlinked no-account 403
  Nobody of this issuer is in the sync; a mail address that fits means nothing.
  Compare the source's issuer with the token's; `crosskey sso test` shows both.
not-provisioned no-account 403
  The person has no account yet.
  `crosskey explain` says why; the next sync may make one.
account-held no-account 403
  The person's account waits for a decision.
  `crosskey held` shows it.
account-ambiguous no-account 403
  Several accounts may be the person's, and nobody has chosen.
  `crosskey held` shows them.
account-disabled account-off 403
  The person's account is switched off.
  `crosskey explain` says since when and why.
account-elsewhere other-door 403
  The person has an account for the other door only.
  The mapping's scopes say who has which.
revoked-meanwhile signed-out 403
  The person was signed out everywhere after this sign-in was made.
  Nothing: the person begins again, if they may.
door-off operator 404
  This door is switched off.
  enabled = true opens it.
door-testing not-yet 403
  This door is at the step `test`, at which it lets nobody in.
  `crosskey sso step` says what the next step waits for, and moves the door.
# Sessions
session-unknown signed-out 401
  There is no such session.
  Nothing.
session-revoked signed-out 401
  The session was ended.
  `crosskey sessions list` says by what.
session-over signed-out 401
  The session has reached its longest time.
  Nothing.
session-idle signed-out 401
  Nothing was done in the session for too long.
  Nothing.
session-door signed-out 401
  The session is of the other door.
  Nothing.
session-account account-off 401
  The session's account is switched off, or is no longer the person's.
  `crosskey explain` says why.
session-assurance second-factor 401
  The session was begun without the second factor that the door demands now.
  Nothing: the person signs in afresh.
session-stale second-factor 401
  The provider signed the person in too long ago for what they want to do.
  Nothing: the person signs in afresh.
# The provider takes it back
refresh-refused signed-out 401
  The provider no longer stands by the sign-in.
  Nothing: the person signs in afresh, if they may.
refresh-mismatch signed-out 401
  The provider's renewed token is of somebody else.
  Look at who did it: no honest provider sends this.
# What providers send to end sessions
signal-unauthorized operator 401
  The message does not bear the secret that it must, or cannot be believed.
  Compare the secret here with the one at the provider.
signal-refused operator 403
  The bearer of the message may not send it here.
  Compare issuer, client and address at the provider.
signal-body operator 400
  The message is not what it must be.
  Report it to the provider; `crosskey sso test` shows what it sends.
signal-events operator 400
  The token does not say that it is what it was sent as, or says two things.
  Report it to the provider; `crosskey sso test` shows what it sends.
signal-subject operator 400
  The message does not say whom it is about.
  Report it to the provider; `crosskey sso test` shows what it sends.
signal-id operator 400
  The token has no id by which it could be known again.
  Report it to the provider; `crosskey sso test` shows what it sends.
signal-nonce operator 400
  A logout token holds a nonce: it may be an ID token that somebody sends.
  Look at who did it: no honest provider sends this.
signal-exp operator 400
  A security event token ends at some time, which it must not.
  Report it to the provider; `crosskey sso test` shows what it sends.
signal-stale operator 400
  The message was made too long ago.
  Compare the clocks of this machine and the provider.
subject-unknown operator 404
  The message is about nobody who was ever here.
  Nothing.
"""


def _areas() -> Iterator[tuple[str, list[Reason]]]:
    for area in _TEXT.strip().removeprefix("# ").split("\n# "):
        title, *lines = area.splitlines()
        yield title, [_reason(*row) for row in zip(lines[::3], lines[1::3], lines[2::3], strict=True)]


def _reason(head: str, text: str, fix: str) -> Reason:
    code, page, status = head.split()
    return Reason(code, msgspec.convert(page, Page), int(status), text.strip(), fix.strip())


AREAS: Final[dict[str, list[Reason]]] = dict(_areas())
"""Every reason, by what it is about."""

REASONS: Final[dict[str, Reason]] = {reason.code: reason for area in AREAS.values() for reason in area}
"""Every reason by its code. Codes are stable: dashboards and people's notes name them."""
