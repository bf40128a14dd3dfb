"""Notices as e-mail: smtplib in a thread, every wait bounded, certificates checked."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from crosskey.connector.context import Context
from crosskey.connector.notifier import Notice
from crosskey.errors import AuthError, RetryableError
from crosskey_notify.settings import SmtpSettings
from crosskey_notify.wording import as_text, title

__all__ = ("MailNotifier",)

_SECONDS = 20.0


class MailNotifier:
    """Sends notices through one mail server; each in a connection of its own, for they are rare."""

    def __init__(self, settings: SmtpSettings, context: Context) -> None:
        self._settings = settings
        self._where = context.instance

    async def send(self, notice: Notice) -> None:
        """Hand it to the server. Raises when any receiver was refused."""
        try:
            await asyncio.to_thread(self._deliver, self._message(notice))
        except smtplib.SMTPAuthenticationError as error:
            raise AuthError(
                f"{self._settings.host} refused the sign-in ({error.smtp_code})",
                code="smtp-sign-in",
                where=self._where,
                fix="correct username and password",
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            # the server's own words may quote addresses
            raise RetryableError(
                f"{self._settings.host} did not take the mail ({type(error).__name__})",
                code="smtp",
                where=self._where,
                fix="check host, port and security",
            ) from None

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = title(notice)
        message["From"] = self._settings.sender
        message["To"] = ", ".join(self._settings.receivers)
        message["Date"] = format_datetime(notice.at)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        message.set_content(as_text(notice))
        return message

    def _deliver(self, message: EmailMessage) -> None:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.security == "tls":
            server = smtplib.SMTP_SSL(settings.host, settings.door, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(settings.host, settings.door, timeout=_SECONDS)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.password is not None:
                server.login(settings.username, settings.password.reveal())
            refused = server.send_message(message)
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)
