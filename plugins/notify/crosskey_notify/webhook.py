"""Notices as HTTP POST, through the core's client: https only, bounded in time, the address never in a log."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.notifier import Notice
from crosskey.errors import ConfigError, ContractError
from crosskey.http import Client
from crosskey_notify.settings import WebhookSettings
from crosskey_notify.wording import as_text, title

__all__ = ("WebhookNotifier", "open_webhook", "signature")

_PATH = "/webhook"
"""What spans and messages call the address: its path is often the credential itself."""


@asynccontextmanager
async def open_webhook(settings: WebhookSettings, context: Context) -> AsyncGenerator[WebhookNotifier]:
    """A notifier for the address of the settings."""
    url = settings.url.reveal()
    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        raise ConfigError(
            "the webhook's address is not a URL", code="url", where=f"{context.instance}.url", fix="store https://…"
        )
    async with context.http(f"{parts.scheme}://{parts.netloc}", deadline=15.0) as client:
        yield WebhookNotifier(settings, client, url, context)


class WebhookNotifier:
    """Posts notices to one address."""

    def __init__(self, settings: WebhookSettings, client: Client, url: str, context: Context) -> None:
        self._settings = settings
        self._client = client
        self._url = url
        self._clock = context.clock

    async def send(self, notice: Notice) -> None:
        """POST it; any 2xx answer counts, whatever its body is. Raises what the answer came to."""
        text = f"{title(notice)}\n{as_text(notice)}"
        body: dict[str, object] = {"text": text}
        if self._settings.body == "json":
            body = {**msgspec.structs.asdict(notice), "title": title(notice), **body, "details": notice.text}
        try:
            await self._client.call(
                "POST",
                self._url,
                decode=msgspec.Raw,
                json=body,
                headers=self._headers(notice, msgspec.json.encode(body)),
                template=_PATH,
                repeatable=True,  # the receiver knows a repeated one by its id
            )
        except ContractError as error:
            if error.code != "bad-body":  # it took the notice and answered in words, as most receivers do
                raise

    def _headers(self, notice: Notice, body: bytes) -> dict[str, str]:
        """Those of Standard Webhooks (https://www.standardwebhooks.com): id, time, and the signature over both."""
        id_ = hashlib.sha256(f"{notice.key}\n{notice.code}\n{notice.at.isoformat()}".encode()).hexdigest()[:32]
        sent = int(self._clock.now().timestamp())
        headers = {"webhook-id": f"msg_{id_}", "webhook-timestamp": str(sent)}
        if self._settings.secret is not None:
            headers["webhook-signature"] = signature(self._settings.secret.reveal(), f"msg_{id_}", sent, body)
        return headers


def signature(secret: str, id: str, sent: int, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA-256 of ``id.time.body`` in base64. A secret ``whsec_…`` is the base64 of the key."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    mark = hmac.new(key, f"{id}.{sent}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(mark).decode()}"
