"""Writing rows: each object as the JSON text that an answer holds.

Rows are joined as bytes: a page of 200 users costs well under a millisecond, so nothing is cached and nothing can be
stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from crosskey_sandbox.okta.records import App, AppGroup, AppUser, Group, OidcClient, User

__all__ = (
    "Projection",
    "app_group_row",
    "app_row",
    "app_user_row",
    "group_row",
    "projection",
    "user_detail",
    "user_row",
)

_encode = msgspec.json.Encoder().encode
Projection = Callable[[User], bytes]

# What each status allows, as the links of a single read tell it.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "STAGED": ("activate", "deactivate"),
    "PROVISIONED": ("reactivate", "resetPassword", "deactivate"),
    "ACTIVE": ("suspend", "resetPassword", "expirePassword", "deactivate"),
    "RECOVERY": ("suspend", "resetPassword", "deactivate"),
    "PASSWORD_EXPIRED": ("suspend", "resetPassword", "deactivate"),
    "LOCKED_OUT": ("unlock", "resetPassword", "deactivate"),
    "SUSPENDED": ("unsuspend", "deactivate"),
    "DEPROVISIONED": ("activate", "delete"),
}
_SEGMENTS = {"resetPassword": "reset_password", "expirePassword": "expire_password"}


def user_row(user: User, base: bytes, *, credentials: bool = True) -> bytes:
    """A user as lists hold it: ``_links`` has ``self`` only. ``base`` is ``scheme://host``."""
    written = _encode(user)[:-1]
    if credentials:
        written += _credentials(user)
    return b'%b,"_links":{"self":{"href":"%b/api/v1/users/%b"}}}' % (written, base, user.id.encode())


def user_detail(user: User, base: bytes, *, links: bool = True, credentials: bool = True) -> bytes:
    """A user as a single read gives it: ``_links`` lists what may be done next."""
    if not links:
        return user_row(user, base, credentials=credentials)
    href = f"{base.decode()}/api/v1/users/{user.id}"
    shown: dict[str, dict[str, str]] = {"self": {"href": href}}
    for action in _ACTIONS[user.status]:
        path = "" if action == "delete" else f"/lifecycle/{_SEGMENTS.get(action, action)}"
        shown[action] = {"href": href + path, "method": "DELETE" if action == "delete" else "POST"}
    written = _encode(user)[:-1] + (_credentials(user) if credentials else b"")
    return b'%b,"_links":%b}' % (written, _encode(shown))


def _credentials(user: User) -> bytes:
    profile = user.profile
    emails = [
        b'{"value":%b,"status":"VERIFIED","type":"%b"}' % (_encode(profile[key]), kind)
        for key, kind in _EMAILS
        if profile.get(key)
    ]
    password = b'"password":{},' if user.password_changed else b""
    return b',"credentials":{%b"emails":[%b],"provider":{"type":"OKTA","name":"OKTA"}}' % (password, b",".join(emails))


_EMAILS = (("email", b"PRIMARY"), ("secondEmail", b"SECONDARY"))


def projection(fields: str) -> Projection:
    """The row writer for ``fields=id,status,profile:(login,email)``; ``id`` is always there."""
    outer, inner = _fields(fields)
    names = {wire: name for name, wire in _wire_names()}
    top = [(wire, names[wire]) for wire in dict.fromkeys(("id", *outer)) if wire in names and wire != "profile"]

    def write(user: User) -> bytes:
        row: dict[str, object] = {wire: getattr(user, name) for wire, name in top}
        if inner:
            row["profile"] = {key: user.profile[key] for key in inner if key in user.profile}
        elif "profile" in outer:
            row["profile"] = user.profile
        return _encode(row)

    return write


def _wire_names() -> Iterable[tuple[str, str]]:
    return zip(User.__struct_fields__, User.__struct_encode_fields__, strict=True)


def _fields(text: str) -> tuple[list[str], list[str]]:
    before, opened, rest = text.partition("profile:(")
    inner, _, after = rest.partition(")")
    outer = [*before.split(","), *after.split(",")] if opened else text.split(",")
    return [name.strip() for name in outer if name.strip()], [name.strip() for name in inner.split(",") if name.strip()]


def group_row(group: Group, base: str, *, membership_time: str, stats: tuple[int, int] | None = None) -> bytes:
    """A group; with ``stats`` (users, applications) as ``expand=stats`` embeds them."""
    href = f"{base}/api/v1/groups/{group.id}"
    row: dict[str, object] = {
        "id": group.id,
        "created": group.created,
        "lastUpdated": group.last_updated,
        "lastMembershipUpdated": membership_time,
        "objectClass": group.object_class,
        "type": group.type,
        "profile": group.profile,
    }
    if stats is not None:
        row["_embedded"] = {
            "stats": {
                "usersCount": stats[0],
                "appsCount": stats[1],
                "groupPushMappingsCount": 0,
                "hasAdminPrivilege": False,
                "_links": {"users": {"href": f"{href}/users"}, "apps": {"href": f"{href}/apps"}},
            }
        }
    row["_links"] = {
        "logo": [
            {"name": size, "href": f"{base}/logo-{size}.png", "type": "image/png"} for size in ("medium", "large")
        ],
        "users": {"href": f"{href}/users"},
        "apps": {"href": f"{href}/apps"},
    }
    return _encode(row)


def app_row(app: App, base: str, client: OidcClient | None = None) -> bytes:
    """An application, with the members that every application has; ``client`` where it is one of OpenID Connect."""
    href = f"{base}/api/v1/apps/{app.id}"
    turn = "deactivate" if app.status == "ACTIVE" else "activate"
    rest: dict[str, object] = {
        "accessibility": {"selfService": False, "errorRedirectUrl": None, "loginRedirectUrl": None},
        "visibility": {"autoSubmitToolbar": False, "hide": {"iOS": False, "web": False}, "appLinks": {}},
        "features": [],
        "credentials": {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}, "signing": {}},
        "settings": {"app": {}, "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": None}}},
        "_links": {
            "users": {"href": f"{href}/users"},
            "groups": {"href": f"{href}/groups"},
            turn: {"href": f"{href}/lifecycle/{turn}"},
        },
    }
    if client is not None:
        shown = {"client_id": app.id, "token_endpoint_auth_method": client.auth_method}
        rest["credentials"] = {"userNameTemplate": {"template": "${source.login}"}, "oauthClient": shown}
        rest["settings"] = {"app": {}, "oauthClient": client.settings}
    return _encode(app)[:-1] + b"," + _encode(rest)[1:]


def app_user_row(row: AppUser, app_id: str, base: str, *, user: bytes | None = None) -> bytes:
    """An assignment; ``user`` is the directory row that ``expand=user`` embeds."""
    rest = {
        "_links": {
            "app": {"href": f"{base}/api/v1/apps/{app_id}"},
            "user": {"href": f"{base}/api/v1/users/{row.id}"},
        }
    }
    embedded = b',"_embedded":{"user":%b}' % user if user is not None else b""
    return _encode(row)[:-1] + embedded + b"," + _encode(rest)[1:]


def app_group_row(row: AppGroup, app_id: str, base: str, *, group: bytes | None = None) -> bytes:
    """A group's assignment; ``group`` is the row that ``expand=group`` embeds."""
    href = f"{base}/api/v1/apps/{app_id}"
    rest = {
        "_links": {
            "app": {"href": href},
            "self": {"href": f"{href}/groups/{row.id}"},
            "group": {"href": f"{base}/api/v1/groups/{row.id}"},
        }
    }
    embedded = b',"_embedded":{"group":%b}' % group if group is not None else b""
    return _encode(row)[:-1] + embedded + b"," + _encode(rest)[1:]
