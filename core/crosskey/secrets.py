"""Reading secrets where their references say: environment, file, keyring, command, or a plugin's own scheme.

No message here holds anything that was read: not a value, not a command's output, not another program's error text.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from crosskey.errors import ConfigError, CrosskeyError
from crosskey.plugins.facade import Plugins
from crosskey.settings import SecretReference

__all__ = ("SCHEMES", "read_secret")

_COMMAND_SECONDS: Final = 10.0
_MAX_BYTES: Final = 1 << 20


def read_secret(reference: SecretReference, *, where: str, root: Path, plugins: Plugins) -> str:
    """The text behind a reference.

    ``root`` is the folder of the configuration: relative files start there and commands run there. Raises
    :class:`ConfigError` with ``where`` (the key's path) when it cannot be read or is empty.
    """
    reader = SCHEMES.get(reference.scheme)
    value = reader(reference, where, root) if reader else _from_plugin(reference, where, plugins)
    if not value.strip():
        _refuse(f"the secret {reference} is empty", "secret-empty", where, "store a value there")
    return value


def _from_env(reference: SecretReference, where: str, root: Path) -> str:  # noqa: ARG001 - the readers share a signature
    name = reference.argument
    value = os.environ.get(name)
    if value is None:
        _refuse(f"the environment variable {name} is not set", "secret-missing", where, f"export {name}=…")
    return value


def _from_file(reference: SecretReference, where: str, root: Path) -> str:
    path = root / Path(reference.argument).expanduser()
    try:
        # O_NONBLOCK: a named pipe must not hang the program before it is refused.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123 - a descriptor
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                _refuse(
                    f"{path} is not a regular file", "secret-unreadable", where, "name a file that holds the secret"
                )
            if os.name == "posix" and status.st_mode & 0o077:
                mode = stat.S_IMODE(status.st_mode)
                _refuse(f"other users may read {path} (mode {mode:04o})", "secret-exposed", where, f"chmod 600 {path}")
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(f"the secret file {path} does not exist", "secret-missing", where, "create it, or correct the path")
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror}", "secret-unreadable", where, "let this user read it")
    return _text(content, reference, where)


def _from_keyring(reference: SecretReference, where: str, root: Path) -> str:  # noqa: ARG001 - the readers share a signature
    service, slash, name = reference.argument.rpartition("/")
    if not (slash and service and name):
        _refuse(
            f"{reference} does not name a service and a name",
            "secret-reference",
            where,
            'write keyring = "service/name"',
        )
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        _refuse("the keyring package is not installed", "secret-keyring", where, "pip install 'crosskey[keyring]'")
    try:
        value = keyring.get_password(service, name)
    except Exception as error:  # noqa: BLE001 - back ends raise what they like, and their text is not ours to show
        _refuse(
            f"the keyring could not be asked ({type(error).__name__})",
            "secret-keyring",
            where,
            f"try `keyring get {service} {name}`, or keep the secret in a file",
        )
    if value is None:
        _refuse(f"the keyring has no {name} of {service}", "secret-missing", where, f"keyring set {service} {name}")
    return value


def _from_command(reference: SecretReference, where: str, root: Path) -> str:
    try:
        arguments = shlex.split(reference.argument)
    except ValueError as error:
        _refuse(f"the command cannot be split: {error}", "secret-reference", where, 'write command = ["program", "…"]')
    if not arguments:
        _refuse("the command is empty", "secret-reference", where, 'write command = ["program", "…"]')
    program = arguments[0]
    fix = f"run it yourself to see why: {reference.argument}"
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own configuration names it, and no shell is involved
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_SECONDS, check=False, cwd=root
        )
    except subprocess.TimeoutExpired:
        _refuse(f"{program} did not answer in {_COMMAND_SECONDS:.0f} s", "secret-command", where, fix)
    except FileNotFoundError:
        _refuse(f"there is no program {program}", "secret-command", where, "install it, or write its full path")
    except (OSError, ValueError) as error:
        _refuse(f"{program} cannot be started ({type(error).__name__})", "secret-command", where, fix)
    if done.returncode:
        _refuse(f"{program} ended with exit code {done.returncode}", "secret-command", where, fix)
    return _text(done.stdout, reference, where)


def _from_plugin(reference: SecretReference, where: str, plugins: Plugins) -> str:
    try:
        secret = plugins.resolve_secret(reference)
        value = None if secret is None else secret.reveal()
    except CrosskeyError as error:
        raise ConfigError(f"{reference}: {error.message}", code=error.code, where=where, fix=error.fix) from None
    except Exception as error:  # noqa: BLE001 - a plugin's reader; its text could hold what must not be shown
        _refuse(
            f"{reference} could not be read ({type(error).__name__})", "secret-plugin", where, "see the plugin's log"
        )
    if value is None:
        _refuse(
            f'no plugin knows the secret scheme "{reference.scheme}"',
            "secret-scheme",
            where,
            f"use {', '.join(SCHEMES)}, or install the plugin that reads it",
        )
    return value


def _text(content: bytes, reference: SecretReference, where: str) -> str:
    """The text without the one line end that editors and programs add."""
    if len(content) > _MAX_BYTES:
        _refuse(f"{reference} holds more than 1 MiB", "secret-unreadable", where, "name the secret itself")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        _refuse(f"{reference} does not hold UTF-8 text", "secret-unreadable", where, "store it as text")


def _refuse(message: str, code: str, where: str, fix: str) -> NoReturn:
    # `from None`: what was caught may carry what was read.
    raise ConfigError(message, code=code, where=where, fix=fix) from None


SCHEMES: Final[dict[str, Callable[[SecretReference, str, Path], str]]] = {
    "env": _from_env,
    "file": _from_file,
    "keyring": _from_keyring,
    "command": _from_command,
}
"""The built-in schemes; any other is asked of plugins."""
