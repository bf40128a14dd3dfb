"""Local vendors over real HTTP on loopback, for trying crosskey out, for tests and for benchmarks.

Importing this package is cheap; :mod:`crosskey_sandbox.okta`, :mod:`crosskey_sandbox.halo` and
:mod:`crosskey_sandbox.server` need the extra ``crosskey[sandbox]``.
"""

from __future__ import annotations

from crosskey_sandbox.plugin import crosskey_commands

__all__ = ("crosskey_commands",)
