"""The specs of the notifiers; what each needs to send is imported when it is opened."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from crosskey.connector.context import Context
from crosskey.connector.notifier import Notifier, NotifierSpec
from crosskey_notify.settings import CommandSettings, SmtpSettings, WebhookSettings

__all__ = ("COMMAND", "SMTP", "WEBHOOK")


@asynccontextmanager
async def _open_webhook(settings: WebhookSettings, context: Context) -> AsyncGenerator[Notifier]:
    from crosskey_notify.webhook import open_webhook  # noqa: PLC0415 - only where it is configured

    async with open_webhook(settings, context) as notifier:
        yield notifier


@asynccontextmanager
async def _open_smtp(settings: SmtpSettings, context: Context) -> AsyncGenerator[Notifier]:
    from crosskey_notify.mail import MailNotifier  # noqa: PLC0415 - only where it is configured

    yield MailNotifier(settings, context)


@asynccontextmanager
async def _open_command(settings: CommandSettings, context: Context) -> AsyncGenerator[Notifier]:
    from crosskey_notify.command import CommandNotifier  # noqa: PLC0415 - only where it is configured

    yield CommandNotifier(settings, context)


WEBHOOK: Final = NotifierSpec(
    name="webhook", summary="notices as HTTP POST, signed if you like", settings=WebhookSettings, open=_open_webhook
)
SMTP: Final = NotifierSpec(name="smtp", summary="notices as e-mail", settings=SmtpSettings, open=_open_smtp)
COMMAND: Final = NotifierSpec(
    name="command", summary="notices to a program of your own", settings=CommandSettings, open=_open_command
)
