"""Secrets are read where their references say, and appear nowhere else."""

from __future__ import annotations

import copy
import json
import logging
import os
import pickle
import pprint
import sys
import traceback
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from core_acme import CONFIG, ENTRY, AcmeSettings, acme_plugins

from crosskey.config import load_config
from crosskey.errors import ConfigError
from crosskey.plugins import load_plugins
from crosskey.secrets import read_secret
from crosskey.settings import Secret, SecretReference

CANARY = "canary-7f3a9"
PYTHON = sys.executable


def read(scheme: str, argument: str, root: Path = Path(), **options) -> str:
    reference = SecretReference(scheme, argument)
    return read_secret(reference, where="target.support.secret", root=root, plugins=acme_plugins(), **options)


def refusal(scheme: str, argument: str, root: Path = Path(), **options) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(scheme, argument, root, **options)
    assert caught.value.where == "target.support.secret"
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(f"{CANARY}\n")
    return path


def test_the_environment(monkeypatch):
    monkeypatch.setenv("DESK_SECRET", CANARY)
    assert read("env", "DESK_SECRET") == CANARY
    error = refusal("env", "NO_SUCH_VARIABLE")
    assert (error.message, error.fix) == (
        "the environment variable NO_SUCH_VARIABLE is not set",
        "export NO_SUCH_VARIABLE=…",
    )


def test_a_file_beside_the_configuration_without_its_last_line_end(secret_file):
    assert read("file", "token", secret_file.parent) == CANARY
    assert read("file", str(secret_file)) == CANARY
    secret_file.write_bytes(b" a \n\r\n")
    assert read("file", "token", secret_file.parent) == " a \n"


def test_a_home_folder_is_understood(secret_file, monkeypatch):
    monkeypatch.setenv("HOME", str(secret_file.parent))
    assert read("file", "~/token") == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_file_that_others_may_use_is_refused_with_the_command_that_helps(secret_file, mode):
    secret_file.chmod(mode)
    error = refusal("file", "token", secret_file.parent)
    assert (error.code, error.fix) == ("secret-exposed", f"chmod 600 {secret_file}")
    assert f"mode {mode:04o}" in error.message


def test_other_things_than_a_file_are_refused(secret_file):
    folder = secret_file.parent
    assert refusal("file", "absent", folder).code == "secret-missing"
    assert refusal("file", ".", folder).code == "secret-unreadable"
    os.mkfifo(folder / "pipe", 0o600)
    assert "not a regular file" in refusal("file", "pipe", folder).message
    secret_file.write_bytes(b"\xff" + CANARY.encode())
    assert "not hold UTF-8" in refusal("file", "token", folder).message
    secret_file.write_bytes(b"x" * (1 << 20) + b"x")
    assert "more than 1 MiB" in refusal("file", "token", folder).message


@pytest.mark.parametrize("content", ["", "\n", "  \n"])
def test_an_empty_secret_is_refused(secret_file, content):
    secret_file.write_text(content)
    assert refusal("file", "token", secret_file.parent).code == "secret-empty"


def test_a_command_without_a_shell(tmp_path):
    assert read("command", f"{PYTHON} -c \"print('{CANARY}')\"") == CANARY
    assert read("command", f"{PYTHON} -c 'import sys; print(sys.argv[1])' '$HOME;x'") == "$HOME;x"
    assert Path(read("command", f"{PYTHON} -c 'import os; print(os.getcwd())'", tmp_path)) == tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{PYTHON} -c \"import sys; print('{CANARY}'); sys.exit('{CANARY}')\"", "ended with exit code 1"),
        ("no-such-program-anywhere", "there is no program no-such-program-anywhere"),
        ("'unclosed", "cannot be split"),
        ("/", "cannot be started"),
        ("''", "cannot be started"),
        (f"{PYTHON} -c 'pass'", "is empty"),
    ],
)
def test_a_command_that_fails_says_so_without_its_output(command, said):
    if CANARY in command:
        # the reference itself may be shown: keep the canary in the program's output only
        command = command.replace(CANARY, "canary' + '-7f3a9")
    assert said in str(refusal("command", command))


def test_a_command_that_hangs_is_ended():
    error = refusal("command", f"{PYTHON} -c 'import time; time.sleep(60)'", command_seconds=0.2)
    assert "did not answer in 0.2 s" in error.message


@pytest.fixture
def keyring(monkeypatch) -> dict[tuple[str, str], str]:
    """A keyring in memory, in the place of the optional package."""
    entries: dict[tuple[str, str], str] = {}
    module = ModuleType("keyring")
    module.get_password = lambda service, name: 1 / 0 if service == "locked" else entries.get((service, name))
    monkeypatch.setitem(sys.modules, "keyring", module)
    return entries


def test_the_keyring(keyring):
    keyring["https://desk.example.com", "crosskey"] = CANARY
    assert read("keyring", "https://desk.example.com/crosskey") == CANARY
    assert refusal("keyring", "service/absent").fix == "keyring set service absent"
    assert refusal("keyring", "noslash").fix == 'write keyring = "service/name"'
    assert "(ZeroDivisionError)" in refusal("keyring", "locked/name").message


def test_without_the_keyring_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert refusal("keyring", "service/name").fix == "pip install 'crosskey[keyring]'"


def test_a_scheme_of_a_plugin(shelf):
    shelf.put(
        "vault-plugin",
        "1",
        """
        from crosskey import Secret, hookimpl

        def fail():
            raise RuntimeError("canary-7f3a9")

        @hookimpl
        def crosskey_resolve_secret(ref):
            if ref.scheme == "vault":
                return Secret(fail if ref.argument == "fail" else ref.argument.upper(), ref)
        """,
    )
    plugins = load_plugins(shelf.entry_points())
    options = {"where": "target.support.secret", "root": Path(), "plugins": plugins}
    assert read_secret(SecretReference("vault", "abc"), **options) == "ABC"
    with pytest.raises(ConfigError, match="could not be read") as caught:
        read_secret(SecretReference("vault", "fail"), **options)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(ConfigError, match='no plugin knows the secret scheme "safe"'):
        read_secret(SecretReference("safe", "abc"), **options)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "crosskey.toml"
    path.write_text(text)
    return path


def test_secrets_of_the_sections_in_use_are_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", CANARY)
    config = load_config(write(tmp_path, CONFIG), acme_plugins())
    monkeypatch.delenv("DESK_SECRET")
    assert config.target.settings.secret.reveal() == CANARY


def test_all_secrets_that_cannot_be_read_are_told_beside_all_other_problems(tmp_path):
    text = CONFIG.replace("[target", "token = { file = 'absent' }\n[rails]\nmin_people = -1\n[target")
    text = text.replace("[map.user]", "[map.user]\nkey = { env = 'MAP_KEY' }")
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), acme_plugins())
    assert {problem.path: problem.code for problem in caught.value.problems} == {
        "rails.min_people": "config-type",
        "source.corp.token": "secret-missing",
        "target.support.secret": "secret-missing",
        "map.user.key": "secret-missing",
    }


def test_secrets_of_other_sections_stay_unread(tmp_path, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", CANARY)
    text = CONFIG + "[source.spare]\nuse = 'acme'\nurl = 'x'\ntoken = { env = 'SPARE' }\n[sync]\nfrom = ['corp']\n"
    config = load_config(write(tmp_path, text), acme_plugins())
    with pytest.raises(ConfigError, match="SPARE is not set") as caught:
        config.sources["spare"].settings.token.reveal()
    assert caught.value.where == "source.spare.token"


def test_without_resolving_nothing_is_read_until_it_is_revealed(tmp_path, monkeypatch):
    config = load_config(write(tmp_path, CONFIG), acme_plugins(), resolve_secrets=False)
    monkeypatch.setenv("DESK_SECRET", CANARY)
    assert config.target.settings.secret.reveal() == CANARY


def test_with_a_secret_plugin_unknown_schemes_are_asked_of_it(shelf, tmp_path):
    shelf.put(
        "vault-plugin",
        "1",
        "from crosskey import *\n@hookimpl\ndef crosskey_resolve_secret(ref): return Secret('x') if ref.scheme == 'v' else None",
    )
    plugins = load_plugins([ENTRY, *shelf.entry_points()])
    path = write(tmp_path, CONFIG.replace("env =", "v ="))
    assert load_config(path, plugins).target.settings.secret.reveal() == "x"
    path = write(tmp_path, CONFIG.replace("env =", "w ="))
    with pytest.raises(ConfigError) as caught:
        load_config(path, plugins)
    assert [problem.code for problem in caught.value.problems] == ["secret-scheme"]


def test_a_revealed_secret_shows_nowhere(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("DESK_SECRET", CANARY)
    config = load_config(write(tmp_path, CONFIG), acme_plugins())
    secret = config.target.settings.secret
    assert secret.reveal() == CANARY
    settings = AcmeSettings(url="x", token=secret, keys={"main": secret})
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("any").error("%s %r %s", secret, settings, config)
    shown = [caplog.text, config.canonical, f"{secret}{secret!r}{config!r}{settings}", pprint.pformat([config, secret])]
    shown.append(json.dumps({"secret": secret}, default=repr))
    shown.append(str(ConfigError(f"bad {secret}", where=f"{settings}")))
    for text in shown:
        assert CANARY not in text
    assert "DESK_SECRET" in repr(secret)


@pytest.mark.parametrize(
    "serialise",
    [
        pickle.dumps,
        copy.deepcopy,
        json.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
    ],
    ids=lambda function: f"{function.__module__}.{function.__name__}",
)
@pytest.mark.parametrize("wrap", [lambda secret: secret, lambda secret: AcmeSettings(url="x", token=secret)])
def test_a_secret_refuses_to_be_serialised(serialise, wrap):
    secret = Secret(CANARY)
    with pytest.raises(TypeError) as caught:
        serialise(wrap(secret))
    assert CANARY not in str(caught.value)


def test_secrets_are_not_compared_by_value():
    assert Secret(CANARY) != Secret(CANARY)
