"""What an installer leaves beside a distribution's modules, and the list that says it may run."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path


def write_record(folder: Path, info: Path, *modules: str) -> None:
    """The RECORD of a distribution made on the spot."""
    files = [*modules, *(f"{info.name}/{file.name}" for file in sorted(info.iterdir()) if file.name != "RECORD")]
    lines = [f"{file},sha256={_digest(folder / file)},1" for file in files]
    (info / "RECORD").write_text("\n".join((*lines, f"{info.name}/RECORD,,")) + "\n")


def write_trust(file: Path, folder: Path) -> dict[str, str]:
    """Trust everything installed in a folder; the environment that says so."""
    pins = []
    for info in sorted(folder.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        record = "\n".join(sorted((info / "RECORD").read_text().splitlines()))
        digest = hashlib.sha256(record.encode()).hexdigest()
        pin = {"distribution": name.replace("_", "-").lower(), "version": version, "record": digest}
        pins.append({**pin, "at": "2026-11-01T00:00:00+00:00", "editable": False})
    file.write_text(json.dumps(pins))
    return {"CROSSKEY_TRUST": str(file)}


def _digest(file: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=").decode()
