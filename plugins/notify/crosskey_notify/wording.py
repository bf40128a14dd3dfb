"""A notice as text for people."""

from __future__ import annotations

from crosskey.connector.notifier import Notice

__all__ = ("as_text", "title")

_SIGNS = {"info": "note", "warning": "warning", "error": "error", "resolved": "resolved"}


def title(notice: Notice) -> str:
    """One line."""
    return f"[crosskey {_SIGNS[notice.severity]}] {' '.join(notice.subject.split())}"


def as_text(notice: Notice) -> str:
    """What happened, the fix, when."""
    lines = [notice.text]
    if notice.fix:
        lines.append(f"fix: {notice.fix}")
    run = f", run {notice.run}" if notice.run else ""
    lines.append(f"{notice.at:%Y-%m-%d %H:%M:%S} UTC, {notice.code}{run}")
    return "\n".join(lines)
