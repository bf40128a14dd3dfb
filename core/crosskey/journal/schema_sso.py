"""Tables for sign-in: attempts under way, sessions, who was told to go, and what is known of providers.

Nothing here lets anybody in: of every random value only the SHA-256 is kept, and what must be read again (an ID token
for signing out, a refresh token) is sealed under the session's own token, which only the browser has.
"""

from __future__ import annotations

__all__ = ("SSO",)

SSO = (
    # A sign-in that was begun. The nonce and the PKCE verifier are derived from the browser's secret and the state, so
    # that this row alone is worth nothing. `used_at`: it came back once; no second time.
    """CREATE TABLE sso_login (
        state TEXT PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        browser TEXT NOT NULL,
        flow TEXT NOT NULL,
        issuer TEXT NOT NULL,
        purpose TEXT NOT NULL,
        request TEXT NOT NULL,
        return_to TEXT NOT NULL,
        begun_at TEXT NOT NULL,
        used_at TEXT
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sso_login_begun ON sso_login (begun_at)",
    # `id` is the hash of the token in the cookie; `number` is its name for people. (issuer, subject, kind, key) is the
    # account's link; `iss`, `sub`, `sid`, `client` and `mail` (a hash) are what signals find it by.
    """CREATE TABLE sso_session (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        flow TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        person_issuer TEXT NOT NULL,
        person_id TEXT NOT NULL,
        iss TEXT NOT NULL,
        sub TEXT NOT NULL,
        sid TEXT NOT NULL,
        client TEXT NOT NULL,
        mail TEXT NOT NULL,
        mfa TEXT NOT NULL,
        evidence TEXT NOT NULL,
        authenticated_at TEXT,
        issued_at TEXT NOT NULL,
        begun_at TEXT NOT NULL,
        seen_at TEXT NOT NULL,
        ends_at TEXT NOT NULL,
        idle REAL NOT NULL,
        asked_at TEXT NOT NULL,
        sealed BLOB NOT NULL,
        revoked_at TEXT,
        revoked_because TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX sso_session_link ON sso_session (connection, issuer, subject, kind) WHERE revoked_at IS NULL",
    "CREATE INDEX sso_session_person ON sso_session (person_issuer, person_id) WHERE revoked_at IS NULL",
    "CREATE INDEX sso_session_sub ON sso_session (iss, sub) WHERE revoked_at IS NULL",
    "CREATE INDEX sso_session_sid ON sso_session (iss, sid) WHERE revoked_at IS NULL AND sid <> ''",
    "CREATE INDEX sso_session_mail ON sso_session (iss, mail) WHERE revoked_at IS NULL AND mail <> ''",
    "CREATE INDEX sso_session_ends ON sso_session (ends_at)",
    # Who was told to go, and when: a sign-in that the provider issued before does not come to a session after it.
    # One of `sub`, `sid` and `mail` says who; `client` is '' for every client.
    """CREATE TABLE sso_revocation (
        connection TEXT NOT NULL REFERENCES connection,
        iss TEXT NOT NULL,
        client TEXT NOT NULL,
        sub TEXT NOT NULL,
        sid TEXT NOT NULL,
        mail TEXT NOT NULL,
        before TEXT NOT NULL,
        because TEXT NOT NULL,
        noted_at TEXT NOT NULL,
        PRIMARY KEY (connection, iss, client, sub, sid, mail)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sso_revocation_noted ON sso_revocation (noted_at)",
    # Every attempt to sign in. Those that nobody can tell from noise (no sign-in of ours) are counted by the minute in
    # `times`. `claims` are masked; `detail` is the real reason, which no page shows.
    """CREATE TABLE sso_attempt (
        number INTEGER PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        at TEXT NOT NULL,
        code TEXT NOT NULL,
        purpose TEXT NOT NULL,
        flow TEXT NOT NULL,
        reference TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        mfa TEXT NOT NULL,
        session INTEGER,
        claims TEXT NOT NULL,
        detail TEXT NOT NULL,
        skew REAL NOT NULL,
        times INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX sso_attempt_door ON sso_attempt (connection, door, number)",
    "CREATE INDEX sso_attempt_at ON sso_attempt (at)",
    "CREATE INDEX sso_attempt_key ON sso_attempt (connection, kind, key) WHERE session IS NOT NULL",
    # Messages that were heard, for as long as one might come again.
    """CREATE TABLE sso_heard (
        issuer TEXT NOT NULL,
        id TEXT NOT NULL,
        connection TEXT NOT NULL REFERENCES connection,
        channel TEXT NOT NULL,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        ended INTEGER NOT NULL,
        PRIMARY KEY (issuer, id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sso_heard_at ON sso_heard (at)",
    # When each channel of a provider last spoke, and last told something that ended a session.
    """CREATE TABLE sso_channel (
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        channel TEXT NOT NULL,
        heard_at TEXT NOT NULL,
        ended_at TEXT,
        count INTEGER NOT NULL,
        PRIMARY KEY (connection, door, channel)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE sso_pin (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        pinned TEXT NOT NULL,
        since TEXT NOT NULL,
        PRIMARY KEY (connection, issuer)
    ) STRICT, WITHOUT ROWID""",
)
