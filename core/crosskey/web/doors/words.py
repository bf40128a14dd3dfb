"""Every word that a page of the doors shows, in one place. A translation is one more :class:`Words`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from crosskey.connector.reasons import Page
from crosskey.connector.sso import Door

__all__ = ("WORDS", "Words", "words_for")


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language. ``trouble`` says by page what happened in a title, and what a person can do about it."""

    language: str
    doors: Mapping[Door, str]
    sign_in_title: str
    sign_in: str
    sign_in_button: str
    local_button: str
    own_button: str
    whom_to_ask: str
    home_title: str
    home: str
    go_on: str
    sign_out_title: str
    sign_out: str
    sign_out_button: str
    leaving_title: str
    leaving: str
    leaving_link: str
    signed_out_title: str
    signed_out: str
    trouble: Mapping[Page, tuple[str, str]]
    cookies_title: str
    cookies: str
    loop_title: str
    loop: str
    nowhere_title: str
    nowhere: str
    form_title: str
    form: str
    sought_title: str
    sought: str
    not_sought: Mapping[str, str]
    try_again: str
    code: str
    reference: str
    tell: str
    sessions_title: str
    sessions: str
    sessions_none: str
    sessions_heads: tuple[str, ...]
    attempts_title: str
    attempts: str
    attempts_none: str
    attempts_heads: tuple[str, ...]
    proven: Mapping[str, str]
    end_button: str
    rehearsed_title: str
    rehearsed: str


ENGLISH: Final = Words(
    language="en",
    doors={"agents": "Service desk", "portal": "Customer portal"},
    sign_in_title="Sign in",
    sign_in="You sign in with your organisation's account. You may be asked for a second factor there.",
    sign_in_button="Sign in with your organisation's account",
    local_button="Other ways to sign in",
    own_button="Sign in as before",
    whom_to_ask="There is no other way in. If you cannot sign in, ask your administrator.",
    home_title="You are signed in",
    home="You can close this page, or go on to your work.",
    go_on="Go on",
    sign_out_title="Sign out?",
    sign_out="You will be signed out here, and at your organisation's sign-in too where it allows that.",
    sign_out_button="Sign out",
    leaving_title="You are signed out here",
    leaving="You are taken to your organisation's sign-in, to be signed out there too.",
    leaving_link="Go there now",
    signed_out_title="You are signed out",
    signed_out="On a shared computer, close the browser as well.",
    trouble={
        "again": ("That did not work", "Nothing is wrong with your account as far as we know. Please sign in again."),
        "later": (
            "Sign-in is not available now",
            "Your organisation's sign-in does not answer as it should. Please try again in a few minutes.",
        ),
        "second-factor": (
            "A second factor is needed",
            "Please sign in again with your second factor. If you have none, ask your organisation to set one up.",
        ),
        "no-account": (
            "There is no account for you here yet",
            "New accounts can take a while. If you should have one, tell your administrator.",
        ),
        "account-off": ("Your account here is switched off", "If that is a mistake, tell your administrator."),
        "not-allowed": (
            "You may not come in here",
            "Your organisation's sign-in did not let you through. Ask your administrator if you should have access.",
        ),
        "other-door": ("This is the wrong entrance", "Your account is for the other entrance."),
        "operator": (
            "Sign-in is not set up rightly",
            "You can do nothing about it. Please tell your administrator the code below.",
        ),
        "signed-out": ("You are signed out", "Please sign in again to go on."),
        "not-yet": (
            "This way of signing in is being tried out",
            "It is not open yet. Please sign in as you did until now.",
        ),
    },
    cookies_title="Your browser did not keep a cookie",
    cookies="Signing in needs cookies from this site. Please allow them, then sign in again in one window.",
    loop_title="Signing in goes round in circles",
    loop="We stopped, so that your browser does not go on for ever. Wait a minute, then try once more. "
    "If it happens again, tell your administrator the code below.",
    nowhere_title="There is nothing here",
    nowhere="The address may be mistyped, or this entrance is closed.",
    form_title="This page was too old",
    form="For your safety nothing was done. Please go back, load the page again and repeat what you did.",
    sought_title="We are looking at your account",
    sought="You are known, and have no account here yet. Whether you should have one is being looked at just now. "
    "This page tries again by itself; leave it open.",
    not_sought={
        "over": "We have just looked again: nothing gives you an account here.",
        "long": "Looking takes longer than usual. Please try again in a few minutes.",
        "lately": "We looked a few minutes ago: nothing gave you an account here.",
        "busy": "Many people are being looked at just now. Please try again in a few minutes.",
        "nobody": "Nobody looks at accounts just now, so that waiting here does not help.",
    },
    try_again="Sign in again",
    code="Code",
    reference="Reference",
    tell="Tell these to your administrator; they help to find out what happened.",
    sessions_title="Sessions",
    sessions="Everybody who is signed in now. Whoever you end is refused at their next click.",
    sessions_none="Nobody is signed in.",
    sessions_heads=("Number", "Entrance", "Account", "Signed in (UTC)", "Last seen (UTC)", "Second factor"),
    attempts_title="Attempts to sign in",
    attempts="The last ones, the newest first. This page loads itself again. Claims are masked; "
    "crosskey sso attempts has the real reason.",
    attempts_none="Nobody has tried to sign in.",
    attempts_heads=("When (UTC)", "Entrance", "What", "What to do", "Reference", "Account", "Claims"),
    proven={"proven": "yes", "missing": "no", "unasked": "not asked"},
    end_button="End",
    rehearsed_title="The test is done",
    rehearsed="No session was opened. See the terminal for what it came to; you can close this page.",
)

GERMAN: Final = Words(
    language="de",
    doors={"agents": "Service-Desk", "portal": "Kundenportal"},
    sign_in_title="Anmelden",
    sign_in="Sie melden sich mit dem Konto Ihrer Organisation an. Dort werden Sie vielleicht nach einem zweiten Faktor "
    "gefragt.",
    sign_in_button="Mit dem Konto Ihrer Organisation anmelden",
    local_button="Anders anmelden",
    own_button="Anmelden wie bisher",
    whom_to_ask="Es gibt keinen anderen Weg hinein. Können Sie sich nicht anmelden, fragen Sie Ihre Administration.",
    home_title="Sie sind angemeldet",
    home="Sie können diese Seite schließen oder weiterarbeiten.",
    go_on="Weiter",
    sign_out_title="Abmelden?",
    sign_out="Sie werden hier abgemeldet und, wo möglich, auch bei der Anmeldung Ihrer Organisation.",
    sign_out_button="Abmelden",
    leaving_title="Sie sind hier abgemeldet",
    leaving="Sie werden zur Anmeldung Ihrer Organisation geführt, um auch dort abgemeldet zu werden.",
    leaving_link="Jetzt dorthin",
    signed_out_title="Sie sind abgemeldet",
    signed_out="Schließen Sie an einem gemeinsam genutzten Rechner auch den Browser.",
    trouble={
        "again": ("Das hat nicht geklappt", "Mit Ihrem Konto ist wohl alles in Ordnung. Bitte melden Sie sich neu an."),
        "later": (
            "Die Anmeldung geht gerade nicht",
            "Die Anmeldung Ihrer Organisation antwortet nicht wie sie soll. Bitte versuchen Sie es in einigen Minuten.",
        ),
        "second-factor": (
            "Ein zweiter Faktor ist nötig",
            "Bitte melden Sie sich mit Ihrem zweiten Faktor an. Haben Sie keinen, fragen Sie Ihre Organisation.",
        ),
        "no-account": (
            "Hier gibt es noch kein Konto für Sie",
            "Neue Konten brauchen etwas Zeit. Sollten Sie eines haben, fragen Sie Ihre Administration.",
        ),
        "account-off": ("Ihr Konto ist hier abgeschaltet", "Ist das ein Irrtum, fragen Sie Ihre Administration."),
        "not-allowed": (
            "Sie dürfen hier nicht hinein",
            "Die Anmeldung Ihrer Organisation hat Sie nicht durchgelassen. Fragen Sie Ihre Administration.",
        ),
        "other-door": ("Das ist der falsche Eingang", "Ihr Konto ist für den anderen Eingang."),
        "operator": (
            "Die Anmeldung ist nicht richtig eingerichtet",
            "Sie können nichts dafür tun. Bitte nennen Sie Ihrer Administration den Code unten.",
        ),
        "signed-out": ("Sie sind abgemeldet", "Bitte melden Sie sich neu an, um weiterzumachen."),
        "not-yet": (
            "Diese Anmeldung wird gerade erprobt",
            "Sie ist noch nicht offen. Bitte melden Sie sich an wie bisher.",
        ),
    },
    cookies_title="Ihr Browser hat ein Cookie nicht behalten",
    cookies="Zum Anmelden braucht diese Seite Cookies. Bitte erlauben Sie sie und melden Sie sich in einem Fenster an.",
    loop_title="Die Anmeldung dreht sich im Kreis",
    loop="Wir haben angehalten, damit Ihr Browser nicht endlos weitermacht. Warten Sie eine Minute und versuchen Sie "
    "es noch einmal. Geschieht es wieder, nennen Sie Ihrer Administration den Code unten.",
    nowhere_title="Hier ist nichts",
    nowhere="Die Adresse ist vielleicht vertippt, oder dieser Eingang ist geschlossen.",
    form_title="Diese Seite war zu alt",
    form="Zu Ihrer Sicherheit ist nichts geschehen. Bitte gehen Sie zurück, laden Sie die Seite neu und machen Sie es "
    "noch einmal.",
    sought_title="Wir sehen nach Ihrem Konto",
    sought="Sie sind bekannt und haben hier noch kein Konto. Ob Sie eines haben sollen, wird gerade nachgesehen. "
    "Diese Seite versucht es von selbst wieder; lassen Sie sie offen.",
    not_sought={
        "over": "Wir haben soeben nachgesehen: Nichts gibt Ihnen hier ein Konto.",
        "long": "Das Nachsehen dauert länger als sonst. Bitte versuchen Sie es in einigen Minuten wieder.",
        "lately": "Wir haben vor wenigen Minuten nachgesehen: Nichts gab Ihnen hier ein Konto.",
        "busy": "Gerade wird nach vielen Leuten gesehen. Bitte versuchen Sie es in einigen Minuten wieder.",
        "nobody": "Gerade sieht niemand nach Konten, sodass Warten hier nicht hilft.",
    },
    try_again="Neu anmelden",
    code="Code",
    reference="Kennung",
    tell="Nennen Sie beide Ihrer Administration; damit findet sich, was geschehen ist.",
    sessions_title="Sitzungen",
    sessions="Alle, die gerade angemeldet sind. Wen Sie beenden, wird beim nächsten Klick abgewiesen.",
    sessions_none="Niemand ist angemeldet.",
    sessions_heads=("Nummer", "Eingang", "Konto", "Angemeldet (UTC)", "Zuletzt da (UTC)", "Zweiter Faktor"),
    attempts_title="Anmeldeversuche",
    attempts="Die letzten, der neueste zuerst. Diese Seite lädt sich von selbst neu. Angaben sind verdeckt; "
    "den wahren Grund nennt crosskey sso attempts.",
    attempts_none="Niemand hat versucht, sich anzumelden.",
    attempts_heads=("Wann (UTC)", "Eingang", "Was", "Abhilfe", "Kennung", "Konto", "Angaben"),
    proven={"proven": "ja", "missing": "nein", "unasked": "nicht verlangt"},
    end_button="Beenden",
    rehearsed_title="Die Probe ist zu Ende",
    rehearsed="Es wurde keine Sitzung eröffnet. Was herauskam, steht im Terminal; Sie können diese Seite schließen.",
)

WORDS: Final[Mapping[str, Words]] = {"en": ENGLISH, "de": GERMAN}
"""By language."""


def words_for(accepted: str) -> Words:
    """The first language of an ``Accept-Language`` header that there are words for; else English.

    Browsers list languages in their order, so that weights need no reading.
    """
    for part in accepted[:200].split(","):
        if found := WORDS.get(part.partition(";")[0].strip().lower()[:2]):
            return found
    return ENGLISH
