"""Settings that cannot be, all at once, before any file is opened."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from crosskey import PERSON_ATTRIBUTES, ConfigError
from crosskey.errors import close_matches

from crosskey_csv.settings import CsvSettings

__all__ = ("refuse_unfit",)


def refuse_unfit(settings: CsvSettings, instance: str) -> None:
    """Raise :class:`ConfigError` with everything that is wrong whatever the file holds."""
    problems = list(_problems(settings, instance))
    if problems:
        first, *rest = problems
        more = [problem.diagnostic() for problem in rest]
        raise ConfigError(first.message, code=first.code, where=first.where, fix=first.fix, problems=more)


def _problems(settings: CsvSettings, instance: str) -> Iterator[ConfigError]:
    for attribute in settings.columns.keys() - set(PERSON_ATTRIBUTES):
        yield ConfigError(
            f'there is no attribute "{attribute}". {close_matches(attribute, PERSON_ATTRIBUTES)}',
            code="csv-attribute",
            where=f"{instance}.columns.{attribute}",
            fix="write attribute = column; columns without an attribute are extra.<column> in mappings",
        )
    if settings.columns.get("status") and not settings.active:
        yield ConfigError(
            "there is a column of statuses, and nobody said which of them means that somebody works here",
            code="csv-status",
            where=f"{instance}.active",
            fix='write active = ["Active"] and inactive = ["Terminated"] with the words of the file',
        )
    both = {word.casefold() for word in settings.active} & {word.casefold() for word in settings.inactive}
    if both:
        yield ConfigError(
            f'"{min(both)}" means both that somebody works here and that they do not',
            code="csv-status",
            where=f"{instance}.inactive",
            fix="take it out of one of the two lists",
        )
    for group in settings.empty_groups:
        if not any(group.startswith(f"{column}=") for column in settings.group_columns):
            yield ConfigError(
                f'"{group}" is no group of this file',
                code="csv-group",
                where=f"{instance}.empty_groups",
                fix="write Column=Name, with a column of `group_columns`",
            )
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError):  # unknown, no name at all, a folder of zones
        yield ConfigError(
            f'there is no time zone "{settings.timezone}"',
            code="csv-timezone",
            where=f"{instance}.timezone",
            fix='write "UTC", "Europe/Berlin" …',
        )
