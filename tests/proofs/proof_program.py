"""Start a proof as the program that it is: it forks, and nothing of a test runner may be in what it forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LONGEST = 480


def proved(module: str, *words: str) -> str:
    """What the program said, once it ended well. One that hangs is ended with all that it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(timeout=_LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        told = process.communicate()[0] + f"\nstill at work after {_LONGEST} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, f"python -m {module} {' '.join(words)}\n{told}"
    return told
