"""Record the public API as it is now: ``python tests/api/snapshot.py``.

Only to be run when a version is released that may change it: additions need no new recording to pass.
"""

from __future__ import annotations

from api_facts import breaks, live, recorded, write

if __name__ == "__main__":
    try:
        broken = breaks(recorded(), live())
    except FileNotFoundError:
        broken = []
    write()
    print("\n".join(broken) or "nothing that plugins rely on has changed")  # noqa: T201 - a program's output
