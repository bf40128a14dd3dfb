"""Write a new package from its templates."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crosskey.errors import ConfigError, StorageError
from crosskey.scaffold.kinds import KINDS, KindName
from crosskey.scaffold.names import Names

__all__ = ("templates", "write_package")

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SUFFIX: Final = ".jinja"
_PARTS: Final = ("_example.toml", "_steps.md")
"""What the README of each kind takes in."""


def templates(kind: KindName) -> dict[str, str]:
    """The templates of a kind by their path in the package (a template too), those that all kinds share among them."""
    return {
        path.relative_to(_TEMPLATES / part).as_posix(): path.relative_to(_TEMPLATES).as_posix()
        for part in ("common", kind)
        for path in sorted((_TEMPLATES / part).rglob("*"))
        if path.is_file() and path.parts[-1] not in _PARTS
    }


def write_package(names: Names, kind: KindName, folder: Path) -> list[Path]:
    """Write a package that is green as it is; the files, relative to ``folder``.

    Nothing that is there is ever overwritten. Raises :class:`ConfigError` for a folder that holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            "there is something already, and nothing is overwritten",
            code="plugin-exists",
            where=str(folder),
            fix="name another folder with --into, or move that away",
        )
    files = _rendered(names, kind)
    try:
        for path, text in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
    except OSError as error:
        raise StorageError(
            f"the package cannot be written: {error.strerror}",
            code="plugin-unwritten",
            where=str(folder),
            fix="name a folder that this user may write with --into",
        ) from error
    return list(files)


def _rendered(names: Names, kind: KindName) -> dict[Path, str]:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - what is written is Python and TOML, and every word of it was checked
    )
    about = KINDS[kind]
    words = {
        form: getattr(names, form) for form in ("name", "distribution", "word", "module", "title", "spoken", "env")
    }
    words |= {
        "kind": kind,
        "kind_words": about.words,
        "description": environment.from_string(about.description).render(words),
        "crosskey": version("crosskey"),
    }
    files: dict[Path, str] = {}
    for target, source in templates(kind).items():
        path = Path(environment.from_string(target).render(words))
        if path.suffix == _SUFFIX:
            files[path.with_suffix("")] = environment.get_template(source).render(words)
        else:
            files[path] = (_TEMPLATES / source).read_text(encoding="utf-8")
    return files
