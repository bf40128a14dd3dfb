"""``crosskey init``."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import click
import msgspec

from crosskey.cli.options import DEFAULT_CONFIG, config_option, json_option
from crosskey.config.reference import SettingRow, setting_rows
from crosskey.config.starter import StarterMap, StarterSection, secret_variables, starter_config
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import KindSpec, TargetSpec
from crosskey.engine.offline import kinds_of
from crosskey.errors import ConfigError, close_matches
from crosskey.plugins import Plugins, load_plugins
from crosskey.plugins.records import Provided
from crosskey.settings import SecretReference

__all__ = ("init",)

_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")

Spec = TypeVar("Spec", SourceSpec, TargetSpec)


@click.command(
    epilog="""\
\b
Examples:
  crosskey init                           asks
  crosskey init --no-input \\
    --source okta --source-set url=https://acme.okta.com --source-set token=env:OKTA_TOKEN \\
    --target halo --target-set url=https://acme.haloitsm.com --target-set client_id=3f2a… \\
    --target-set client_secret=env:HALO_SECRET \\
    --map "user=All Staff" --default "user.site=Acme / Main" --map "agent=Service Desk"
"""
)
@config_option
@json_option
@click.option("--source", "source_use", metavar="PLUGIN", help="Identity source, e.g. okta.")
@click.option("--source-name", default="corp", show_default=True, help="What you call it: [source.NAME].")
@click.option("--source-set", multiple=True, metavar="KEY=VALUE", help="A setting; secrets as env:NAME or file:PATH.")
@click.option("--target", "target_use", metavar="PLUGIN", help="Target, e.g. halo.")
@click.option("--target-name", default="desk", show_default=True, help="What you call it: [target.NAME].")
@click.option("--target-set", multiple=True, metavar="KEY=VALUE", help="A setting; secrets as env:NAME or file:PATH.")
@click.option("--map", "maps", multiple=True, metavar="KIND=GROUP", help="Members of GROUP get an account of KIND.")
@click.option("--default", "defaults", multiple=True, metavar="KIND.REF=NAME", help="A reference that everybody gets.")
@click.option("--no-input", is_flag=True, help="Ask nothing; what is missing is left as CHANGE-ME.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def init(
    config_path: Path,
    *,
    as_json: bool,
    source_use: str | None,
    source_name: str,
    source_set: Sequence[str],
    target_use: str | None,
    target_name: str,
    target_set: Sequence[str],
    maps: Sequence[str],
    defaults: Sequence[str],
    no_input: bool,
    force: bool,
) -> None:
    """Write a commented configuration.

    Asks for what it needs; with options (and --no-input) it asks nothing. Secrets are never asked for: the file only
    says where they are kept.
    """
    if config_path.exists() and not force:
        raise ConfigError(
            "the file exists already", code="config-exists", where=str(config_path), fix="add --force to write over it"
        )
    plugins = load_plugins()
    asks = not (no_input or as_json) and sys.stdin.isatty()
    source_spec = _choose("source", source_use, plugins.sources, plugins, asks=asks)
    target_spec = _choose("target", target_use, plugins.targets, plugins, asks=asks)
    source = _section(source_name, source_spec, source_set, asks=asks)
    target = _section(target_name, target_spec, target_set, asks=asks)
    kinds = asyncio.run(kinds_of(target_spec))
    starters = _maps(
        kinds, _pairs("--map", maps, "KIND=GROUP"), _pairs("--default", defaults, "KIND.REF=NAME"), asks=asks
    )
    try:
        config_path.write_text(starter_config(source, target, starters), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the configuration cannot be written: {error.strerror}",
            code="config-file",
            where=str(config_path),
            fix="name a file that this user may write: --config FILE",
        ) from error
    _tell(config_path, [*secret_variables(source), *secret_variables(target)], as_json=as_json)


def _tell(path: Path, variables: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"wrote": str(path), "variables": variables}))
        return
    named = "" if path == DEFAULT_CONFIG else f" --config {shlex.quote(str(path))}"
    click.echo(f"Wrote {path}. Next:")
    for variable in variables:
        click.echo(f"  export {variable}=…")
    click.echo(f"  crosskey check{named}\n  crosskey plan{named}")


def _choose(
    what: str, named: str | None, offered: Mapping[str, Provided[Spec]], plugins: Plugins, *, asks: bool
) -> Spec:
    names = sorted(offered)
    if named is None and len(names) == 1:
        named = names[0]
    if named is None and asks:
        named = click.prompt(f"Which {what}?", type=click.Choice(names))
    if named is None:
        raise click.UsageError(f"say which {what}: --{what} {'|'.join(names)}")
    if named not in offered:
        reason = plugins.why_not("source" if what == "source" else "target", named)
        raise ConfigError(reason.summary, code=reason.code, where=f"--{what}", fix=reason.fix)
    return offered[named].value


def _section(name: str, spec: SourceSpec | TargetSpec, given: Sequence[str], *, asks: bool) -> StarterSection:
    if not _NAME.fullmatch(name):
        raise click.UsageError(f'"{name}" cannot name a section: use letters, digits, - and _')
    texts = _pairs(f"--{'source' if isinstance(spec, SourceSpec) else 'target'}-set", given)
    values: dict[str, object] = {}
    for row in setting_rows(spec.settings):
        if "." in row.key or (row.key not in texts and not (asks and _worth_asking(row))):
            continue
        text = texts.pop(row.key, "") or _ask(row)
        if text:
            values[row.key] = _value(text, row)
    if texts:
        known = [row.key for row in setting_rows(spec.settings)]
        unknown = min(texts)
        raise ConfigError(
            f'{spec.name} has no setting "{unknown}". {close_matches(unknown, known)}',
            code="unknown-key",
            where=f"--set {unknown}",
            fix=f"known keys: {', '.join(known)}",
        )
    return StarterSection(name=name, spec=spec, values=values)


def _worth_asking(row: SettingRow) -> bool:
    # Hooks are set up later, if at all: signing in needs none of their settings.
    credential = _is_secret(row) and not row.key.startswith("hook_")
    return row.required or credential or row.key in {"client_id", "tenant"}


def _is_secret(row: SettingRow) -> bool:
    return "secret" in row.type


def _ask(row: SettingRow) -> str:
    hint = " (where is it kept? env:NAME or file:PATH)" if _is_secret(row) else ""
    optional = "" if row.required else " [optional]"
    text = f"{row.key}: {row.description.rstrip('.')}{hint}{optional}"
    default = None if row.required else ""
    return str(click.prompt(text, default=default, show_default=False, value_proc=lambda answer: _fitting(answer, row)))


def _fitting(answer: str, row: SettingRow) -> str:
    """The answer, if it fits; otherwise click asks again."""
    try:
        if answer:
            _value(answer, row)
    except ConfigError as error:
        raise click.UsageError(f"{error.message}. For example: {error.fix}") from None
    return answer


def _value(text: str, row: SettingRow) -> object:
    if _is_secret(row):
        return _reference(text, row.key)
    if row.type.startswith("list of"):
        return [word.strip() for word in text.split(",") if word.strip()]
    if row.type.startswith(("whole number", "number", "true")):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise ConfigError(
                f'"{text}" is not {row.type}', code="setting-value", where=row.key, fix=f"{row.key}={row.default or 1}"
            ) from None
    return text


def _reference(text: str, key: str) -> SecretReference:
    scheme, colon, argument = text.partition(":")
    if not colon or not argument:
        raise ConfigError(
            "this is a secret: say where it is kept, not what it is",
            code="secret-value",
            where=key,
            fix=f"{key}=env:NAME",
        )
    return SecretReference(scheme, argument)


def _pairs(option: str, words: Sequence[str], shape: str = "KEY=VALUE") -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise click.UsageError(f'{option} "{word}": write {shape}')
        pairs[key.strip()] = value.strip()
    return pairs


def _maps(
    kinds: Sequence[KindSpec], groups: Mapping[str, str], defaults: Mapping[str, str], *, asks: bool
) -> list[StarterMap]:
    by_name = {kind.name: kind for kind in kinds}
    for name in groups:
        _known("--map", name, by_name)
    if asks and not groups:
        given = _defaults(by_name, by_name, defaults)
        return [starter for kind in kinds if (starter := _ask_map(kind, given.get(kind.name, {})))]
    chosen = groups or dict.fromkeys(by_name, "")
    given = _defaults(by_name, chosen, defaults)
    return [
        StarterMap(kind=by_name[name], groups=[group] if group else [], default=given.get(name, {}))
        for name, group in chosen.items()
    ]


def _ask_map(kind: KindSpec, given: Mapping[str, str]) -> StarterMap | None:
    question = f"{kind.name}: {kind.summary}. Members of which group get one? [nobody]"
    group = str(click.prompt(question, default="", show_default=False))
    if not group:
        return None
    default = {
        each.name: str(click.prompt(f"{kind.name}: which {each.name} do those get whom no rule gives another?"))
        for each in kind.references
        if each.required and each.name not in given
    }
    return StarterMap(kind=kind, groups=[group], default={**given, **default})


def _defaults(
    kinds: Mapping[str, KindSpec], mapped: Collection[str], defaults: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """The references that everybody of a kind gets, by kind."""
    given: dict[str, dict[str, str]] = {}
    for key, value in defaults.items():
        name, dot, reference = key.partition(".")
        if not dot:
            raise click.UsageError(f'--default "{key}={value}": write KIND.REF=NAME')
        _known("--default", name, kinds)
        _known(f"--default {name}", reference, [each.name for each in kinds[name].references])
        if name not in mapped:
            raise click.UsageError(f"nobody gets a {name}: add --map {name}=GROUP")
        given.setdefault(name, {})[reference] = value
    return given


def _known(option: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        raise click.UsageError(f'{option}: there is no "{word}". {close_matches(word, known)}')
