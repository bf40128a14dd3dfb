"""Reading secrets where their references say: environment, file, keyring, command, or a plugin's own scheme.

A secret that a vendor shows once is stored where its reference says, where that is a file or the keyring.

No message here holds anything that was read: not a value, not a command's output, not another program's error text.
"""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from crosskey.errors import ConfigError, CrosskeyError
from crosskey.plugins.facade import Plugins
from crosskey.settings import SecretReference

__all__ = ("SCHEMES", "STORES", "read_secret", "store_secret")

_MAX_BYTES: Final = 1 << 20


def read_secret(
    reference: SecretReference, *, where: str, root: Path, plugins: Plugins, command_seconds: float = 10.0
) -> str:
    """The text behind a reference.

    ``root`` is the folder of the configuration: relative files start there and commands run there, for at most
    ``command_seconds``. Raises :class:`ConfigError` with ``where`` (the key's path) when it cannot be read or is empty.
    """
    asked = _Asked(reference, where, root, command_seconds)
    reader = SCHEMES.get(reference.scheme)
    value = reader(asked) if reader else _from_plugin(asked, plugins)
    if not value.strip():
        asked.refuse(f"the secret {reference} is empty", "secret-empty", "store a value there")
    return value


class _Asked(NamedTuple):
    """One reading: what is asked for, and how to refuse it."""

    reference: SecretReference
    where: str
    root: Path
    seconds: float

    def refuse(self, message: str, code: str, fix: str) -> NoReturn:
        # `from None`: what was caught may carry what was read.
        raise ConfigError(message, code=code, where=self.where, fix=fix) from None

    def text(self, content: bytes) -> str:
        """The text without the one line end that editors and programs add."""
        if len(content) > _MAX_BYTES:
            self.refuse(f"{self.reference} holds more than 1 MiB", "secret-unreadable", "name the secret itself")
        try:
            return content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            self.refuse(f"{self.reference} does not hold UTF-8 text", "secret-unreadable", "store it as text")


def _from_env(asked: _Asked) -> str:
    name = asked.reference.argument
    value = os.environ.get(name)
    if value is None:
        asked.refuse(f"the environment variable {name} is not set", "secret-missing", f"export {name}=…")
    return value


def _from_file(asked: _Asked) -> str:
    path = asked.root / Path(asked.reference.argument).expanduser()
    try:
        # O_NONBLOCK: a named pipe must not hang the program before it is refused.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                asked.refuse(f"{path} is not a regular file", "secret-unreadable", "name a file that holds the secret")
            if os.name == "posix" and status.st_mode & 0o077:
                mode = f"{stat.S_IMODE(status.st_mode):04o}"
                asked.refuse(f"other users may read {path} (mode {mode})", "secret-exposed", f"chmod 600 {path}")
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        asked.refuse(f"the secret file {path} does not exist", "secret-missing", "create it, or correct the path")
    except OSError as error:
        asked.refuse(f"{path} cannot be read: {error.strerror}", "secret-unreadable", "let this user read it")
    return asked.text(content)


def _from_keyring(asked: _Asked) -> str:
    service, _, name = asked.reference.argument.rpartition("/")
    if not (service and name):
        sentence = f"{asked.reference} does not name a service and a name"
        asked.refuse(sentence, "secret-reference", 'write keyring = "service/name"')
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        asked.refuse("the keyring package is not installed", "secret-keyring", "pip install 'crosskey[keyring]'")
    try:
        value = keyring.get_password(service, name)
    except Exception as error:  # noqa: BLE001 - back ends raise what they like, and their text is not ours to show
        fix = f"try `keyring get {service} {name}`, or keep the secret in a file"
        asked.refuse(f"the keyring could not be asked ({type(error).__name__})", "secret-keyring", fix)
    if value is None:
        asked.refuse(f"the keyring has no {name} of {service}", "secret-missing", f"keyring set {service} {name}")
    return value


def _from_command(asked: _Asked) -> str:
    command = asked.reference.argument
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        asked.refuse(f"the command cannot be split: {error}", "secret-reference", 'write command = ["program", "…"]')
    if not arguments:
        asked.refuse("the command is empty", "secret-reference", 'write command = ["program", "…"]')
    program, fix = arguments[0], f"run it yourself to see why: {command}"
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own configuration names it, and no shell is involved
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=asked.seconds, check=False, cwd=asked.root
        )
    except subprocess.TimeoutExpired:
        asked.refuse(f"{program} did not answer in {asked.seconds:g} s", "secret-command", fix)
    except FileNotFoundError:
        asked.refuse(f"there is no program {program}", "secret-command", "install it, or write its full path")
    except (OSError, ValueError) as error:
        asked.refuse(f"{program} cannot be started ({type(error).__name__})", "secret-command", fix)
    if done.returncode:
        asked.refuse(f"{program} ended with exit code {done.returncode}", "secret-command", fix)
    return asked.text(done.stdout)


def _from_plugin(asked: _Asked, plugins: Plugins) -> str:
    reference = asked.reference
    try:
        secret = plugins.resolve_secret(reference)
        value = None if secret is None else secret.reveal()
    except CrosskeyError as error:
        asked.refuse(f"{reference}: {error.message}", error.code, error.fix)
    except Exception as error:  # noqa: BLE001 - a plugin's reader; its text could hold what must not be shown
        asked.refuse(f"{reference} could not be read ({type(error).__name__})", "secret-plugin", "see the plugin's log")
    if value is None:
        sentence = f'no plugin knows the secret scheme "{reference.scheme}"'
        asked.refuse(sentence, "secret-scheme", f"use {', '.join(SCHEMES)}, or install the plugin that reads it")
    return value


SCHEMES: Final[dict[str, Callable[[_Asked], str]]] = {
    "env": _from_env,
    "file": _from_file,
    "keyring": _from_keyring,
    "command": _from_command,
}
"""The built-in schemes; any other is asked of plugins."""


def store_secret(reference: SecretReference, value: str, *, where: str, root: Path) -> None:
    """Keep a new secret where its reference says; a file is made for this user alone.

    Raises :class:`ConfigError` where the scheme cannot be written to, or something is there already.
    """
    asked = _Asked(reference, where, root, 0.0)
    store = STORES.get(reference.scheme)
    if store is None:
        asked.refuse(
            f"nothing can be stored at {reference}", "secret-store", 'write { file = "…" } or { keyring = "…" }'
        )
    store(asked, value)


def _into_file(asked: _Asked, value: str) -> None:
    path = asked.root / Path(asked.reference.argument).expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: whatever is there was put there by somebody, and is not ours to replace.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(value)
    except FileExistsError:
        asked.refuse(f"{path} exists already", "secret-store", "move it away, or name another file")
    except OSError as error:
        asked.refuse(f"{path} cannot be written: {error.strerror}", "secret-store", "let this user write there")


def _into_keyring(asked: _Asked, value: str) -> None:
    service, _, name = asked.reference.argument.rpartition("/")
    if not (service and name):
        sentence = f"{asked.reference} does not name a service and a name"
        asked.refuse(sentence, "secret-reference", 'write keyring = "service/name"')
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import

        keyring.set_password(service, name, value)
    except ImportError:
        asked.refuse("the keyring package is not installed", "secret-keyring", "pip install 'crosskey[keyring]'")
    except Exception as error:  # noqa: BLE001 - back ends raise what they like, and their text is not ours to show
        asked.refuse(f"the keyring took nothing ({type(error).__name__})", "secret-keyring", "keep it in a file")


STORES: Final[dict[str, Callable[[_Asked, str], None]]] = {"file": _into_file, "keyring": _into_keyring}
"""The schemes at which a new secret can be kept."""
