"""The three built-in notifiers, each against the other end that it talks to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import sys
from datetime import timedelta
from typing import Self

import httpx
import pytest
from virtual_time import START

from crosskey import Notice, Secret
from crosskey.config import load_config
from crosskey.context import InstanceContext
from crosskey.errors import AuthError, ConfigError, CrosskeyError, RetryableError
from crosskey.plugins import load_plugins
from crosskey_notify.settings import CommandSettings, SmtpSettings, WebhookSettings
from crosskey_notify.specs import COMMAND, SMTP, WEBHOOK
from fake_clock import FakeClock

NOTICE = Notice(
    key="desk:quarantine",
    code="token",
    severity="error",
    at=START,
    subject="desk: quarantined:\n token",
    text="source.corp: refused",
    fix="renew the token",
    run="20260105T090000-4f2a",
)
ADDRESS = "https://chat.example/services/T000/B000/VerySecretPath"


class Receiver(httpx.AsyncBaseTransport):
    """The other end of a webhook."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def post(receiver: Receiver, settings: WebhookSettings, notice: Notice = NOTICE) -> None:
    context = InstanceContext("notify.chat", clock=FakeClock(), transport=lambda instance: receiver)
    async with WEBHOOK.open(settings, context) as notifier:
        await notifier.send(notice)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="ok"),
        httpx.Response(204),
        httpx.Response(202, json={"queued": True}),
        httpx.Response(200, html="<html><title>Thanks</title></html>"),
    ],
    ids=["words", "nothing", "json", "html"],
)
async def test_a_webhook_takes_any_2xx_for_an_answer(answer):
    receiver = Receiver(answer)
    await post(receiver, WebhookSettings(url=Secret(ADDRESS)))
    (request,) = receiver.requests
    assert str(request.url) == ADDRESS
    body = json.loads(request.content)
    assert body["text"].startswith("[crosskey error] desk: quarantined: token\nsource.corp: refused\nfix: renew")
    assert (body["key"], body["severity"], body["fix"]) == (NOTICE.key, "error", "renew the token")


async def test_a_webhook_for_chats_sends_text_alone():
    receiver = Receiver(httpx.Response(200, text="ok"))
    await post(receiver, WebhookSettings(url=Secret(ADDRESS), body="text"))
    assert list(json.loads(receiver.requests[0].content)) == ["text"]


@pytest.mark.parametrize("secret", ["plain words", f"whsec_{base64.b64encode(b'key of bytes').decode()}"])
async def test_a_signed_webhook_can_be_verified_as_the_standard_says(secret):
    receiver = Receiver(httpx.Response(200))
    await post(receiver, WebhookSettings(url=Secret(ADDRESS), secret=Secret(secret)))
    (request,) = receiver.requests
    id_, sent = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = b"key of bytes" if secret.startswith("whsec_") else secret.encode()
    mark = hmac.new(key, f"{id_}.{sent}.".encode() + request.content, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(mark).decode()}"


async def test_the_same_notice_bears_the_same_id_and_another_does_not():
    receiver = Receiver(httpx.Response(200))
    settings = WebhookSettings(url=Secret(ADDRESS))
    await post(receiver, settings)
    await post(receiver, settings)
    await post(receiver, settings, Notice(**{**{f: getattr(NOTICE, f) for f in NOTICE.__struct_fields__}, "code": "x"}))
    first, again, other = (request.headers["webhook-id"] for request in receiver.requests)
    assert first == again != other


@pytest.mark.parametrize("status", [401, 404, 410, 500])
async def test_a_webhook_that_refuses_raises_without_its_address(status, caplog):
    caplog.set_level("DEBUG")
    receiver = Receiver(httpx.Response(status))
    with pytest.raises(CrosskeyError) as raised:
        await post(receiver, WebhookSettings(url=Secret(ADDRESS)))
    assert "VerySecretPath" not in str(raised.value) + caplog.text


async def test_a_webhook_that_fails_for_a_moment_is_tried_again():
    receiver = Receiver(httpx.Response(503), httpx.Response(200))
    await post(receiver, WebhookSettings(url=Secret(ADDRESS)))
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("url", ["http://chat.example/x", "chat.example/x", "https:///x"])
async def test_a_webhook_is_https_only(url):
    with pytest.raises(ConfigError):
        await post(Receiver(httpx.Response(200)), WebhookSettings(url=Secret(url)))


# -- command ----------------------------------------------------------------------------------------------------------


async def run(*words: str, timeout: float = 30.0) -> None:
    settings = CommandSettings(command=words, timeout=timedelta(seconds=timeout))
    async with COMMAND.open(settings, InstanceContext("notify.ops")) as notifier:
        await notifier.send(NOTICE)


async def test_a_command_gets_the_notice_and_none_of_our_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("OKTA_TOKEN", "hidden")
    out = tmp_path / "out.json"
    code = f"import json,os,sys;json.dump([json.load(sys.stdin),dict(os.environ)],open({str(out)!r},'w'))"
    await run(sys.executable, "-c", code)
    notice, environment = json.loads(out.read_text())
    assert notice["subject"] == NOTICE.subject
    assert "OKTA_TOKEN" not in environment
    assert environment["PATH"] == os.environ["PATH"]


async def test_a_command_is_no_shell(tmp_path):
    await run("true", f"; touch {tmp_path}/there", "$(touch there)")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(("false",), "exit code 1"), (("/nowhere/at/all",), "could not be started")],
)
async def test_a_command_that_fails_raises(words, said):
    with pytest.raises(RetryableError, match=said):
        await run(*words)


async def test_a_command_that_takes_too_long_is_killed(tmp_path):
    pid = tmp_path / "pid"
    with pytest.raises(RetryableError, match="took too long"):
        await run("sh", "-c", f"echo $$ > {pid}; exec sleep 60", timeout=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# -- mail -------------------------------------------------------------------------------------------------------------


class MailServer:
    """A little of SMTP on loopback."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.said: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        data = False
        while line := (await reader.readline()).decode():
            self.said.append(line.rstrip("\r\n"))
            if data:
                if line == ".\r\n":
                    data = False
                    writer.write(f"{self.answers.get('END', '250 taken')}\r\n".encode())
                continue
            verb = line.split()[0].upper()
            data = verb == "DATA"
            usual = {"EHLO": "250-here\r\n250 AUTH PLAIN", "DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 fine")
            writer.write(f"{self.answers.get(verb, usual)}\r\n".encode())
            if verb == "QUIT":
                break
        await writer.drain()
        writer.close()


async def mail(server: MailServer, **settings: object) -> None:
    given = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "sender": "crosskey@acme.example",
        "receivers": ("ops@acme.example", "it@acme.example"),
        **settings,
    }
    async with SMTP.open(SmtpSettings(**given), InstanceContext("notify.mail")) as notifier:
        await notifier.send(NOTICE)


async def test_a_mail_reaches_everybody_with_one_line_of_subject():
    async with MailServer() as server:
        await mail(server)
    said = [line.lower() for line in server.said]
    assert "rcpt to:<ops@acme.example>" in said
    assert "rcpt to:<it@acme.example>" in said
    assert "Subject: [crosskey error] desk: quarantined: token" in server.said
    assert "Auto-Submitted: auto-generated" in server.said
    assert "fix: renew the token" in server.said


@pytest.mark.parametrize(
    "answers", [{"END": "451 later"}, {"RCPT": "550 nobody"}, {"EHLO": "421 busy", "HELO": "421 busy"}]
)
async def test_a_mail_that_is_not_taken_raises_without_addresses(answers):
    async with MailServer(**answers) as server:
        with pytest.raises(RetryableError) as raised:
            await mail(server)
    assert "acme.example" not in str(raised.value)


async def test_a_refused_sign_in_says_so():
    async with MailServer(AUTH="535 no") as server:
        with pytest.raises(AuthError, match="refused the sign-in"):
            await mail(server, username="crosskey", password=Secret("wrong"))


async def test_a_server_without_tls_gets_no_mail():
    async with MailServer() as server:
        with pytest.raises(RetryableError):
            await mail(server, security="starttls")
    assert not [line for line in server.said if line.startswith(("MAIL", "RCPT", "AUTH"))]


# -- settings ---------------------------------------------------------------------------------------------------------

BASE = """\
[source.corp]
use = "okta"
url = "https://acme.okta.com"
token = { env = "OKTA_TOKEN" }
[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "x"
client_secret = { env = "HALO_SECRET" }
[map.user.fields]
name = "display_name"
"""


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[notify.a]\nuse = "webhok"', "notify.a.use"),
        ('[notify.a]\nuse = "webhook"\nurl = "https://chat.example/x"', "notify.a.url"),
        ('[notify.a]\nuse = "smtp"\nhost = "mail.example"\nfrom = "a@b.example"\nto = []', "notify.a.to"),
        (
            '[notify.a]\nuse = "smtp"\nhost = "mail.example"\nfrom = "a@b.example"\nto = ["x"]\nsecurity = "none"',
            "notify.a.security",
        ),
        ('[notify.a]\nuse = "smtp"\nhost = "h"\nfrom = "a"\nto = ["x"]\nusername = "u"', "notify.a.username"),
        ('[notify.a]\nuse = "command"\ncommand = "rm"', "notify.a.command"),
        ('[watch]\nevery = "2s"', "watch.every"),
        ('[watch]\njitter = "4m"', "watch.jitter"),
        ('[watch]\nalarm_after = "1m"', "watch.alarm_after"),
        ('[watch]\nlisten = "0.0.0.0:8470"', "watch.listen"),
        ('[watch]\nlisten = "8470"', "watch.listen"),
        ('[watch]\nlisten = "localhost:99999"', "watch.listen"),
        ('[watch.heartbeat]\nurl = "https://hc.example/x"', "watch.heartbeat.url"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(tmp_path, text, path):
    file = tmp_path / "crosskey.toml"
    file.write_text(f"{BASE}{text}\n")
    with pytest.raises(ConfigError) as refused:
        load_config(file, load_plugins(), resolve_secrets=False)
    assert [problem.path for problem in refused.value.problems] == [path]
    assert all(problem.summary for problem in refused.value.problems)


@pytest.mark.parametrize("listen", ["", "127.0.0.1:0", "[::1]:8470", "localhost:1"])
def test_addresses_of_this_machine_are_taken(tmp_path, listen):
    file = tmp_path / "crosskey.toml"
    file.write_text(f'{BASE}[watch]\nlisten = "{listen}"\n')
    assert load_config(file, load_plugins(), resolve_secrets=False).watch.listen == listen


def test_an_address_beyond_this_machine_must_be_meant(tmp_path):
    file = tmp_path / "crosskey.toml"
    file.write_text(f'{BASE}[watch]\nlisten = "0.0.0.0:8470"\nlisten_beyond = true\n')
    assert load_config(file, load_plugins(), resolve_secrets=False).watch.listen_beyond
