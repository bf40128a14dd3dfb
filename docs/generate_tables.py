"""Tables made from the code's own declarations; :mod:`generate_words` has what the code cannot say about itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

import click
from click.testing import CliRunner
from generate_words import EXIT_CODES, LETS_THROUGH

import crosskey
import crosskey.http
import crosskey.sso
from crosskey import hookspecs
from crosskey.cli.main import COMMANDS, cli
from crosskey.config.reference import settings_table
from crosskey.config.sections import JournalSettings, RailSettings, SyncSection, WatchSettings
from crosskey.connector.mapper import Candidate
from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.engine.rails import RAILS, Allowed
from crosskey.errors import ExitCode
from crosskey.instruments import INSTRUMENTS
from crosskey.mapping.findings import Findings
from crosskey.mapping.sandbox import METHODS, environment
from crosskey.mapping.settings import FieldSettings, RulesSettings
from crosskey.mapping.templates import TemplateCompiler
from crosskey.model import PERSON_ATTRIBUTES, Person, Subject
from crosskey.settings import Secret
from crosskey.spans import SPANS
from crosskey_entra.advice import permission_for
from crosskey_entra.attributes import NEUTRAL
from crosskey_entra.clouds import CLOUDS
from crosskey_entra.settings import EntraSettings
from crosskey_halo.schema import halo_schema
from crosskey_halo.settings import HaloSettings
from crosskey_notify.settings import CommandSettings, SmtpSettings, WebhookSettings
from crosskey_okta.people import PROFILE_ATTRIBUTES
from crosskey_okta.settings import HOOKS_SCOPE, LOG_SCOPE, NEEDED_SCOPES, OktaSettings
from crosskey_okta.signals import HOOK_EVENTS
from crosskey_okta.status import DEFAULT_VERDICTS

__all__ = ("TABLES",)

WIDTH = 100

SAMPLE = Candidate(
    Person(
        subject=Subject("https://acme.okta.com", "00u1"),
        active=True,
        user_name="ada.king@acme.example",
        display_name="Ada King",
        given_name="Ada",
        family_name="King",
        email="Ada.King@acme.example",
        department="IT",
        locality="London",
        work_phone="+44 20 7946 0018 x 42",
        extra={"badgeId": 1815, "skills": ["Halo", "Okta"]},
    ),
    groups=frozenset({"VIP"}),
)

EXAMPLES = (
    "{{ display_name }}",
    "{{ family_name | upper }}, {{ given_name }}",
    "{{ nick_name | default(given_name) }}",
    "{{ email | lower }}",
    "{{ email | domain }}",
    "{{ email | split_first('@') }}",
    "{{ given_name[:1] }}{{ family_name[:1] }}",
    "{{ work_phone.replace(' ', '') | split_first('x') }}",
    "{{ extra.badgeId }}",
    "{{ extra.skills }}",
    "{{ 'Acme / ' ~ locality }}",
    "{{ 'IT staff' if department == 'IT' else 'Staff' }}",
    "{% if 'VIP' in groups %}Priority{% endif %}",
)

CONDITIONS = (
    "department == 'IT'",
    "user_type != 'service'",
    "locality in ('London', 'Leeds')",
    "email and email.endswith('@acme.example')",
    "'VIP' in groups and not title",
    "extra.badgeId > 2000",
)


def table(*header: str, rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def words(names: list[str]) -> str:
    """Names as code, with commas between."""
    return ", ".join(f"`{name}`" for name in names)


def rails() -> str:
    """Every rail, what it holds, and what lets it through."""
    numbers = ("first-run", "rolling-disable", "mass-demote", "mass-change", "create-flood", "mass-disable", "shrink")
    Allowed.parse([f"{code}=1" for code in (*numbers, "absence-unconfirmed", "accounts-missing")])  # as promised above
    Allowed.parse(["empty-group=All Staff", "voucher-unread=https://acme.okta.com"])
    rows = [(f"`{code}`", meaning, *LETS_THROUGH[code]) for code, meaning in RAILS.items()]
    return table("rail", "what it saw", "what it holds", "what lets it through", rows=rows)


def exit_codes() -> str:
    """Every exit code."""
    rows = [(str(int(code)), *EXIT_CODES[code]) for code in ExitCode]
    return table("code", "what it means", "what to do", rows=rows)


def commands() -> str:
    """Every command and its line of help."""
    context = click.Context(cli)
    rows: list[tuple[str, ...]] = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        summary = COMMANDS[name][1] if name in COMMANDS else command.get_short_help_str(120) if command else ""
        rows.append((f"[`crosskey {name}`](docs/commands.md#crosskey-{name})", summary))
    return table("command", "what it does", rows=rows)


def help_pages() -> str:
    """The help of every command, as the terminal shows it."""
    return "\n\n".join(_help_pages(cli, ()))


def _help_pages(command: click.Command, path: tuple[str, ...]) -> list[str]:
    shown = CliRunner().invoke(cli, [*path, "--help"], prog_name="crosskey", terminal_width=WIDTH).output
    title = " ".join(("crosskey", *path))
    found = [f"## {title}\n\n```text\n$ {title} --help\n{shown.rstrip()}\n```"]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            found += _help_pages(below, (*path, name)) if below else []
    return found


def attributes() -> str:
    """The neutral vocabulary, and where each vendor keeps each attribute."""
    rows = [
        (f"`{name}`", f"`{PROFILE_ATTRIBUTES[name]}`", f"`{NEUTRAL[name]}`" if NEUTRAL[name] else "")
        for name in PERSON_ATTRIBUTES
        if name in PROFILE_ATTRIBUTES
    ]
    rows += [
        ("`status`", "`status`, Okta's own word", "`enabled` or `disabled`; `guest, enabled` …"),
        (
            "`active`",
            "what that status [means](okta.md#statuses)",
            "`accountEnabled`; of guests [`guests`](entra.md#who-counts)",
        ),
        ("`subject_id`", "`id`", "`id`"),
        (
            "`extra.<name>`",
            "every other profile attribute, by its variable name",
            "every other property, by Graph's name",
        ),
    ]
    groups = "in templates and conditions: the names of the person's groups (those that rules name)"
    rows.append(("`groups`", groups, "the same"))
    return table("attribute", "Okta profile", "Entra property", rows=rows)


def filters() -> str:
    """What templates and conditions may use."""
    sandbox = environment()
    rows = [
        ("filters", words(sorted(sandbox.filters))),
        ("tests", words(sorted(name for name in sandbox.tests if name.isalpha()))),
        ("methods of text", words(sorted(METHODS))),
        ("operators", "`==` `!=` `<` `<=` `>` `>=` `in` `not in` `and` `or` `not` `~` `+` `-` `[…]` `… if … else …`"),
    ]
    return table("", "", rows=rows)


def examples() -> str:
    """Templates, and what they make of one person."""
    findings = Findings("map.user")
    compiler = TemplateCompiler(findings)
    rows: list[tuple[str, ...]] = []
    for source in EXAMPLES:
        template = compiler.template(source, "map.user.fields")
        rows.append((f"`{source}`", f"`{template(SAMPLE)}`" if template else ""))
    findings.raise_any()
    return table("template", "gives", rows=rows)


def conditions() -> str:
    """Conditions, and whether they hold for the same person."""
    findings = Findings("map.user")
    compiler = TemplateCompiler(findings)
    rows: list[tuple[str, ...]] = []
    for source in CONDITIONS:
        condition = compiler.condition(source, "map.user.scope.where")
        rows.append((f"`{source}`", "holds" if condition and condition(SAMPLE) else "does not hold"))
    findings.raise_any()
    return table("condition", "for the same person", rows=rows)


def okta_statuses() -> str:
    """What each Okta status means for accounts."""
    effect = {
        "active": "should have accounts",
        "inactive": "should not: accounts are disabled, none is made",
        "ignore": "nothing is changed",
    }
    rows = [(f"`{status}`", f"`{verdict}`", effect[verdict]) for status, verdict in DEFAULT_VERDICTS.items()]
    rows.append(("any other", "`ignore`", "nothing is changed, and a note says so"))
    return table("Okta status", "default", "what it means", rows=rows)


def okta_scopes() -> str:
    """The scopes that a service app needs, and those that are of use."""
    why = {
        "okta.users.read": "people, and looking one up by id",
        "okta.groups.read": "groups and their members",
        "okta.apps.read": "only when a rule names an app (`apps = […]`)",
        LOG_SCOPE: "optional, to be added to `scopes`: the System Log, by which changes are "
        "[followed](#following-changes) better",
        HOOKS_SCOPE: "optional, to be added to `scopes`: to set the [event hook](#event-hooks) up by itself",
    }
    scopes = (*NEEDED_SCOPES, LOG_SCOPE, HOOKS_SCOPE)
    return table("scope", "for", rows=[(f"`{scope}`", why[scope]) for scope in scopes])


def okta_hook_events() -> str:
    """The event types that the event hook is made for."""
    return "   " + ", ".join(f"`{kind}`" for kind in HOOK_EVENTS)


def entra_permissions() -> str:
    """The application permissions of Graph that the app needs; those without a path are for single groups."""
    needs = {
        "/users": "people and their managers, what changed about them, the recycle bin, and looking one up by id",
        "/groups": "groups, their members, and what changed about them",
        "/servicePrincipals": "only when a rule names an app (`apps = […]`); tells when the secret ends",
        "/subscriptions": "only where Graph is to notify of changes in groups (`hook_secret`)",
        "": "only when a rule names a group whose members are hidden",
    }
    rows = [(f"`{permission_for(path) or 'Member.Read.Hidden'}`", why) for path, why in needs.items()]
    return table("permission", "for", rows=rows)


def entra_clouds() -> str:
    """Where the clouds' sign-in services and Graphs are."""
    rows = [(f"`{name}`", f"`{cloud.authority}`", f"`{cloud.graph}`") for name, cloud in CLOUDS.items()]
    return table("`cloud`", "sign-in (`authority`)", "Graph (`graph_url`)", rows=rows)


def halo_kind(name: str) -> KindSpec:
    """One kind of Halo's schema under the default settings."""
    settings = HaloSettings(url="https://acme.haloitsm.com", client_id="x", client_secret=Secret("x"))
    return next(kind for kind in halo_schema(settings).kinds if kind.name == name)


def halo_fields(name: str) -> str:
    """The fields that rules may write."""
    return table("field", "what it is", "type", "", rows=[_field(field) for field in halo_kind(name).fields])


def _field(field: FieldSpec) -> tuple[str, ...]:
    notes = ["**required**"] if field.required else []
    notes += [f"at most {field.max_length} characters"] if field.max_length else []
    notes += [f"matching also looks at {words(list(field.also_matches))}"] if field.also_matches else []
    notes += [] if field.listed else ["lists may not show it"]
    kind = {"text": "text", "flag": "true or false", "number": "number"}[field.type]
    return (f"`{field.name}`", field.summary, kind, "; ".join(notes))


def halo_references(name: str) -> str:
    """The references that rules may give."""
    return table("reference", "what it is", "", rows=[_reference(each) for each in halo_kind(name).references])


def _reference(reference: ReferenceSpec) -> tuple[str, ...]:
    notes = ["several: rules add up" if reference.many else "one: the first rule that fits wins"]
    notes += ["**required**"] if reference.required else []
    return (f"`{reference.name}`", reference.summary, "; ".join(notes))


def hooks() -> str:
    """The hooks: signature, when it is called, what happens if it raises."""
    rows: list[tuple[str, ...]] = []
    for name, function in vars(hookspecs).items():
        if not name.startswith("crosskey_"):
            continue
        paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(function) or "").split("\n\n")]
        raises = next(part for part in paragraphs if part.startswith("If it raises"))
        called = next(part for part in paragraphs if part.startswith("Called"))
        signature = f"{name}({', '.join(inspect.signature(function).parameters)})"
        outcome = raises.removeprefix("If it raises, ")
        rows.append((f"`{signature}`", paragraphs[0], _markdown(called), _markdown(outcome[0].upper() + outcome[1:])))
    return table("hook", "what it is for", "when", "if it raises", rows=rows)


def _markdown(text: str) -> str:
    return text.replace("``", "`").replace("*Not mine*", "Not yours").replace("*Mine but wrong*", "Yours but wrong")


def spans() -> str:
    """Every span, what it stands around, where it hangs in the tree, and its attributes."""
    rows = [
        (
            f"`{name}`",
            said.about,
            f"`{said.parent}`" if said.parent in SPANS else said.parent,
            words([*said.attributes]),
        )
        for name, said in SPANS.items()
    ]
    return table("span", "around", "under", "attributes", rows=rows)


def metrics() -> str:
    """Every metric: kind, unit, meaning and attributes."""
    rows = [
        (f"`{name}`", said.kind, f"`{said.unit}`", said.about, words([*said.attributes]))
        for name, said in INSTRUMENTS.items()
    ]
    return table("metric", "kind", "unit", "what it tells", "attributes", rows=rows)


def public_names() -> str:
    """What a plugin may import."""
    rows = [
        ("`crosskey`", words(sorted(crosskey.__all__))),
        ("`crosskey.http`", words(sorted(crosskey.http.__all__))),
        ("`crosskey.sso`", words(sorted(crosskey.sso.__all__))),
    ]
    return table("module", "names", rows=rows)


TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "rails": rails,
        "exit codes": exit_codes,
        "commands": commands,
        "help": help_pages,
        "settings okta": lambda: settings_table(OktaSettings),
        "settings entra": lambda: settings_table(EntraSettings),
        "settings halo": lambda: settings_table(HaloSettings),
        "settings map": lambda: settings_table(RulesSettings),
        "settings field": lambda: settings_table(FieldSettings),
        "settings sync": lambda: settings_table(SyncSection),
        "settings rails": lambda: settings_table(RailSettings),
        "settings journal": lambda: settings_table(JournalSettings),
        "settings watch": lambda: settings_table(WatchSettings),
        "settings webhook": lambda: settings_table(WebhookSettings),
        "settings smtp": lambda: settings_table(SmtpSettings),
        "settings command": lambda: settings_table(CommandSettings),
        "attributes": attributes,
        "filters": filters,
        "template examples": examples,
        "condition examples": conditions,
        "okta statuses": okta_statuses,
        "okta scopes": okta_scopes,
        "okta hook events": okta_hook_events,
        "entra permissions": entra_permissions,
        "entra clouds": entra_clouds,
        "halo user fields": lambda: halo_fields("user"),
        "halo user references": lambda: halo_references("user"),
        "halo agent fields": lambda: halo_fields("agent"),
        "halo agent references": lambda: halo_references("agent"),
        "hooks": hooks,
        "spans": spans,
        "metrics": metrics,
        "public names": public_names,
    }
)
