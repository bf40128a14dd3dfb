"""``crosskey init``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from crosskey.cli.options import config_option
from crosskey.config.reference import SettingRow, setting_rows
from crosskey.config.starter import StarterMap, StarterSection, secret_variables, starter_config
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import KindSpec, TargetSpec
from crosskey.engine.offline import kinds_of
from crosskey.errors import ConfigError
from crosskey.plugins import Plugins, load_plugins
from crosskey.plugins.records import Provided
from crosskey.settings import SecretReference

__all__ = ("init",)

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
        raise ConfigError(f"{config_path} exists", code="config-exists", fix="add --force to write over it")
    plugins = load_plugins()
    asks = not no_input and sys.stdin.isatty()
    source_spec = _choose("source", source_use, plugins.sources, plugins, asks=asks)
    target_spec = _choose("target", target_use, plugins.targets, plugins, asks=asks)
    source = _section(source_name, source_spec, source_set, asks=asks)
    target = _section(target_name, target_spec, target_set, asks=asks)
    kinds = asyncio.run(kinds_of(target_spec))
    starters = _maps(kinds, _pairs("--map", maps), _pairs("--default", defaults), asks=asks)
    try:
        config_path.write_text(starter_config(source, target, starters), encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the configuration cannot be written: {error.strerror}", code="config-file", where=str(config_path)
        ) from error
    click.echo(f"Wrote {config_path}. Next:")
    for variable in (*secret_variables(source), *secret_variables(target)):
        click.echo(f"  export {variable}=…")
    click.echo("  crosskey check\n  crosskey plan")


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
    texts = _pairs("--set", given)
    values: dict[str, object] = {}
    for row in setting_rows(spec.settings):
        if "." in row.key or (row.key not in texts and not (asks and _worth_asking(row))):
            continue
        text = texts.pop(row.key, "") or _ask(row)
        if text:
            values[row.key] = _reference(text, row.key) if _is_secret(row) else _value(text, row)
    if texts:
        known = ", ".join(row.key for row in setting_rows(spec.settings))
        raise ConfigError(
            f"{spec.name} has no setting {', '.join(sorted(texts))}", code="unknown-key", fix=f"known keys: {known}"
        )
    return StarterSection(name=name, spec=spec, values=values)


def _worth_asking(row: SettingRow) -> bool:
    return row.required or _is_secret(row) or row.key in {"client_id", "tenant"}


def _is_secret(row: SettingRow) -> bool:
    return "secret" in row.type


def _ask(row: SettingRow) -> str:
    hint = " (where is it kept? env:NAME or file:PATH)" if _is_secret(row) else ""
    optional = "" if row.required else " [optional]"
    text = f"{row.key}: {row.description}{hint}{optional}"
    return str(click.prompt(text, default=None if row.required else "", show_default=False))


def _reference(text: str, key: str) -> SecretReference:
    scheme, colon, argument = text.partition(":")
    if not colon or not argument:
        raise ConfigError(
            f"{key} is a secret: say where it is kept, not what it is", code="secret-value", fix=f"{key}=env:NAME"
        )
    return SecretReference(scheme, argument)


def _value(text: str, row: SettingRow) -> object:
    if row.type.startswith(("whole number", "number", "integer", "true", "yes")):
        return msgspec.json.decode(text)
    return text


def _pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise click.UsageError(f'{option} "{word}": write KEY=VALUE')
        pairs[key.strip()] = value.strip()
    return pairs


def _maps(
    kinds: Sequence[KindSpec], groups: Mapping[str, str], defaults: Mapping[str, str], *, asks: bool
) -> list[StarterMap]:
    unknown = sorted(({*groups} | {key.partition(".")[0] for key in defaults}) - {kind.name for kind in kinds})
    if unknown:
        known = ", ".join(kind.name for kind in kinds)
        raise ConfigError(f"no kind of account is named {unknown[0]}", code="kind-unknown", fix=f"known: {known}")
    starters: list[StarterMap] = []
    for kind in kinds:
        group = groups.get(kind.name, "")
        if not group and asks and not groups:
            group = click.prompt(
                f"Whose members get a {kind.name} ({kind.summary})? [none]", default="", show_default=False
            )
        if group or (not groups and not asks):
            given = {key.partition(".")[2]: name for key, name in defaults.items() if key.startswith(f"{kind.name}.")}
            starters.append(StarterMap(kind=kind, groups=[group] if group else [], default=given))
    return starters
