"""Ways to tell a person: a webhook, an e-mail, a program of your own.

Importing this module costs next to nothing: what it declares is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.notifier import NotifierSpec

__all__ = ("crosskey_notifiers",)


@hookimpl
def crosskey_notifiers() -> Sequence[NotifierSpec]:
    """The three notifiers of this package."""
    from crosskey_notify.specs import COMMAND, SMTP, WEBHOOK  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [WEBHOOK, SMTP, COMMAND]
