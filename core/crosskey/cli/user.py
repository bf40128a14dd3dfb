"""Who types a command."""

from __future__ import annotations

import os
import pwd

__all__ = ("this_user",)


def this_user() -> str:
    """Who is at work here, by the system's word: a variable could name anybody."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
