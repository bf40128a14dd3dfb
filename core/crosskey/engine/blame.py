"""Name the plugin behind an exception that is not one of crosskey's own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from crosskey.config import NotifySection, SourceSection, TargetSection
from crosskey.errors import CrosskeyError, PluginError

__all__ = ("blaming",)


@contextmanager
def blaming(section: SourceSection | TargetSection | NotifySection) -> Generator[None]:
    """Turn whatever a connector raises into a :class:`CrosskeyError`; its own ones pass as they are.

    An exception group (a connector's task group) becomes its first error: one cause, one message.
    """
    try:
        yield
    except CrosskeyError:
        raise
    except BaseExceptionGroup as group:
        error = _first(group)
        if isinstance(error, CrosskeyError) or not isinstance(error, Exception):
            raise error from None
        raise _broken(section, error) from error
    except Exception as error:
        raise _broken(section, error) from error


def _broken(section: SourceSection | TargetSection | NotifySection, error: Exception) -> PluginError:
    provided = section.provided
    return PluginError(
        f"{provided.origin} raised {type(error).__name__}: {error}",
        code="plugin-raised",
        where=section.path,
        fix=f"report it to the authors of {provided.distribution}; CROSSKEY_DEBUG=1 shows where it happened",
    )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    for error in group.exceptions:
        return _first(cast("BaseExceptionGroup[BaseException]", error)) if _is_group(error) else error
    return group


def _is_group(error: BaseException) -> bool:
    return isinstance(error, BaseExceptionGroup)
