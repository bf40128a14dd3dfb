"""The tables about signing in: settings of doors and flows, reasons, and what is set up at vendors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from generate_tables import table, words

from crosskey.cli.doors_shown import CHANNELS
from crosskey.config.doors import DoorSettings
from crosskey.config.reference import settings_table
from crosskey.config.serve import ServeSettings
from crosskey.connector.reasons import AREAS
from crosskey.settings import Secret
from crosskey.sso.offers import OFFERS
from crosskey.sso.rollout import WAITS_FOR
from crosskey_entra.lateness import of_door as entra_door
from crosskey_entra.lateness import of_source as entra_source
from crosskey_entra.settings import EntraSettings
from crosskey_entra.sign_in_app import CLAIMS
from crosskey_entra.sso_settings import EntraSsoSettings
from crosskey_oidc.lateness import of_door as oidc_door
from crosskey_oidc.settings import OidcSettings
from crosskey_okta.lateness import of_door as okta_door
from crosskey_okta.lateness import of_source as okta_source
from crosskey_okta.settings import OktaSettings
from crosskey_okta.sso_settings import OktaSsoSettings

__all__ = ("SIGNING_IN",)


def sign_in_set_up() -> str:
    """What is set up at each vendor."""
    registration = f"an app registration: redirect URIs, ID tokens where one comes with the code, {words([*CLAIMS])}"
    rows = [
        ("Okta", "a web app: redirect and sign-out URIs, response and grant types, client authentication, groups"),
        ("Entra ID", f"{registration}. Its service principal: assignment required, groups"),
        ("Halo", "a record for single sign-on: address, client ID, scopes, secret; switched off"),
    ]
    return table("vendor", "what is compared and written", rows=rows)


def sso_steps() -> str:
    """What each step of the roll-out offers, and what it waits for."""
    ways = {"provider": "the provider's button", "local": "the desk's own way (`local`)"}
    rows: list[tuple[str, str, str]] = []
    for step, offer in OFFERS.items():
        first, *others = (ways[way] for way in offer.ways)
        link = " and, beside it, " if offer.equal else "; below it a link: "
        page = link.join([first, *others])
        if offer.at_once:
            page = f"the provider at once; after signing out and with `?sso=off`: {page}"
        if step == "test":
            page = f"nobody comes in (`door-testing`): {page}"
        if step == "pilot":
            page += "; whoever is of the pilot, from their first sign-in on: as at `enforced`"
        if offer.ways == ("provider",):
            page += ", and whom to ask"
        rows.append((f"`{step}`", page, (WAITS_FOR[step].__doc__ or "").strip()))
    return table("step", "what a browser gets at `/<door>/sign-in`", "what going there waits for", rows=rows)


def sso_reasons() -> str:
    """Every reason for which nobody is signed in."""
    blocks = [
        f"### {area}\n\n"
        + table("code", "what happened", "the fix", rows=[(f"`{one.code}`", one.text, one.fix) for one in reasons])
        for area, reasons in AREAS.items()
    ]
    return "\n\n".join(blocks)


def leavers_out() -> str:
    """By provider, which channels tell of a leaver once they are set up, and what the provider says of them."""
    given, scopes = Secret("nothing opens with it"), ("openid", "profile", "offline_access")
    fetched = {"signal_poll": "https://id.acme.example/ssf/poll", "signal_poll_token": given}
    okta = OktaSsoSettings(url="https://acme.okta.com", scopes=scopes, signal_secret=given, **fetched)
    entra = EntraSsoSettings(tenant="acme.example", scopes=scopes)
    oidc = OidcSettings(
        issuer="https://id.acme.example",
        client_id="door",
        client_secret=given,
        scopes=scopes,
        signal_secret=given,
        **fetched,
    )
    told = {
        "Okta": (
            *okta_source(OktaSettings(url="https://acme.okta.com", token=given, hook_secret=given)),
            *okta_door(okta),
        ),
        "Entra ID": (
            *entra_source(
                EntraSettings(tenant="acme.example", client_id="app", client_secret=given, hook_secret=Secret("0" * 32))
            ),
            *entra_door(entra),
        ),
        "any other": oidc_door(oidc),
    }
    rows = [
        (provider, CHANNELS.get(each.channel, "what a read shows"), each.says, each.source)
        for provider, channels in told.items()
        for each in channels
    ]
    return table("provider", "channel", "what it tells of, and how soon", "who says so", rows=rows)


SIGNING_IN: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "settings door": lambda: settings_table(DoorSettings),
        "settings serve": lambda: settings_table(ServeSettings),
        "settings sso okta": lambda: settings_table(OktaSsoSettings),
        "settings sso entra": lambda: settings_table(EntraSsoSettings),
        "settings sso oidc": lambda: settings_table(OidcSettings),
        "sso reasons": sso_reasons,
        "sso steps": sso_steps,
        "leavers out": leavers_out,
        "sign-in set up": sign_in_set_up,
    }
)
