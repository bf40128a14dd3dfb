"""Rails that do not wait, for tests that are about something else: one confirmation is enough, nobody must stay."""

from __future__ import annotations

_AT_ONCE = {"absent_reads": "1", "absent_for": '"0s"', "keep_active": "{ agent = 0 }"}


def at_once(config: str) -> str:
    """The configuration, whose rails believe an absence at once and let the last technician go."""
    lines = "".join(f"{name} = {value}\n" for name, value in _AT_ONCE.items() if f"\n{name} = " not in config)
    if "[rails]\n" in config:
        return config.replace("[rails]\n", f"[rails]\n{lines}", 1)
    return f"{config}\n[rails]\n{lines}"
