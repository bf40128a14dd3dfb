"""``crosskey sandbox``: local vendors to try crosskey against, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crosskey_sandbox.stage import Stage

__all__ = ("sandbox",)

_EPILOG = """\
\b
Examples:
  crosskey sandbox --write-config crosskey.toml
  crosskey sandbox --people 50000 --quirk okta.rates=false --quirk halo.budget=0
  crosskey sandbox --quirk halo.page_cap=50 --quirk halo.bad_item=save_before
  crosskey sandbox --entra-port 8803 --write-config crosskey.toml
"""


@click.command("sandbox", short_help="Start a local Okta and a local Halo to try things out.", epilog=_EPILOG)
@click.option("--okta-port", type=click.IntRange(0, 65535), default=8801, show_default=True, help="0: any free port.")
@click.option("--halo-port", type=click.IntRange(0, 65535), default=8802, show_default=True, help="0: any free port.")
@click.option("--entra-port", type=click.IntRange(0, 65535), help="Start a local Entra ID with the same people too.")
@click.option("--people", type=click.IntRange(1), default=1000, show_default=True, help="People in the directory.")
@click.option("--groups", type=click.IntRange(1), default=40, show_default=True, help="Groups in the directory.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another number makes another company.")
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="VENDOR.NAME=VALUE",
    help="Switch one behaviour, e.g. halo.page_cap=50 or okta.latency_ms=100. Repeatable; --quirks lists them.",
)
@click.option("--quirks", "list_quirks", is_flag=True, help="List every switch with its default, and stop.")
@click.option(
    "--write-config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a configuration that points here.",
)
@click.option("--force", is_flag=True, help="Let --write-config replace a file.")
@click.option("--json", "as_json", is_flag=True, help="Print addresses and credentials as one line of JSON.")
def sandbox(
    *,
    okta_port: int,
    halo_port: int,
    entra_port: int | None,
    people: int,
    groups: int,
    seed: int,
    quirks: tuple[str, ...],
    list_quirks: bool,
    config: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Start a local Okta and a local Halo over HTTP on this machine, until Ctrl-C.

    Both obey their vendors' rules. Everything in them is made up, and gone when they stop; the credentials shown
    open nothing else.
    """
    import threading  # noqa: PLC0415 - help needs none of it

    from crosskey.errors import ConfigError  # noqa: PLC0415 - help needs none of it

    stage = _stage_module()
    if list_quirks:
        for line in stage.quirk_lines():
            click.echo(line)
        return
    if config is not None and config.exists() and not force:
        raise ConfigError(
            f"{config} exists already", where="--write-config", fix="name another file, or add --force to replace it"
        )
    chosen = stage.chosen_quirks(quirks)
    with stage.on_stage(
        people=people, groups=groups, seed=seed, quirks=chosen, ports=(okta_port, halo_port), entra_port=entra_port
    ) as on_stage:
        if config is not None:
            config.write_text(stage.configuration(on_stage), encoding="utf-8")
        _tell(on_stage, config, as_json=as_json)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def _tell(stage: Stage, config: Path | None, *, as_json: bool) -> None:
    """Print what somebody needs to use the vendors; flushed, because a program may be reading."""
    facts = stage.facts()
    if as_json:
        import json  # noqa: PLC0415 - help needs none of it

        click.echo(json.dumps(facts))
        return
    click.echo(f"Okta   {facts['okta_url']}   API token (SSWS) {facts['okta_token']}")
    click.echo(
        f"Halo   {facts['halo_url']}   client id {facts['halo_client_id']}, secret {facts['halo_client_secret']}"
    )
    if "entra_url" in facts:
        click.echo(
            f"Entra  {facts['entra_url']}   tenant {facts['entra_tenant']}, client id {facts['entra_client_id']}, "
            f"secret {facts['entra_client_secret']}"
        )
    click.echo(f"       {facts['people']} people and {facts['groups']} groups; all of it made up\n")
    click.echo("In another terminal:\n")
    for name, value in stage.secrets().items():
        click.echo(f"  export {name}={value}")
    if config is None:
        click.echo("\n(--write-config FILE writes a configuration that points here)")
    else:
        for command in ("check", "plan", "sync"):
            click.echo(f"  crosskey {command} --config {config}")
    leaver = stage.somebody()
    click.echo(f"\n{leaver.display_name} leaves, by an Okta admin's token (crosskey's own only reads):\n")
    click.echo(
        f"  curl -X POST -H 'Authorization: SSWS {facts['okta_admin_token']}' "
        f"{facts['okta_url']}/api/v1/users/{leaver.login}/lifecycle/deactivate"
    )
    click.echo(f"\nCtrl-C stops {'all three' if 'entra_url' in facts else 'both'}.")


def _stage_module():  # noqa: ANN202 - a module
    """The part that needs the extra."""
    try:
        from crosskey_sandbox import stage  # noqa: PLC0415 - brings starlette and uvicorn in, which help must not need
    except ModuleNotFoundError as error:
        from crosskey.errors import ConfigError  # noqa: PLC0415 - help needs none of it

        raise ConfigError(
            f"the sandbox needs the package {error.name}, which is not installed",
            code="extra-missing",
            fix="pip install 'crosskey[sandbox]'",
        ) from error
    return stage
