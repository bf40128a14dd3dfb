"""The keys of a ``[source.<name>]`` section with ``use = "csv"``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from crosskey import Settings
from msgspec import Meta, field

__all__ = ("CsvSettings",)


class CsvSettings(Settings, frozen=True, kw_only=True):
    """Where the file is, what its columns mean, and how far it is believed."""

    path: Annotated[
        Path,
        Meta(description="The file, which the HR system writes anew each time; relative to the configuration file."),
    ]
    id: Annotated[
        str, Meta(min_length=1, description="Column with the number of a person, which never changes: no e-mail.")
    ]
    columns: Annotated[
        dict[str, str],
        Meta(
            description='Columns by neutral attribute: `{ given_name = "First name", manager = "Manager no" }`; '
            "every other column is `extra.<column>` in mappings."
        ),
    ] = field(default_factory=dict[str, str])
    active: Annotated[
        tuple[str, ...], Meta(description="What the column of `columns.status` says of people who work here.")
    ] = ()
    inactive: Annotated[
        tuple[str, ...],
        Meta(description="What it says of leavers. Any other word: nothing is changed for that person."),
    ] = ()
    first_day: Annotated[str, Meta(description="Column with the first day at work; before it nobody is active.")] = ""
    last_day: Annotated[str, Meta(description="Column with the last day at work; after it nobody is active.")] = ""
    dates: Annotated[str, Meta(description="How days are written, as `%d.%m.%Y`.")] = "%Y-%m-%d"
    timezone: Annotated[str, Meta(description="Where those days begin, as `Europe/Berlin`.")] = "UTC"
    group_columns: Annotated[
        tuple[str, ...],
        Meta(
            description="Columns that put people into groups: a department, a site. The group of id "
            "`Department=Service Desk` is named `Service Desk`."
        ),
    ] = ()
    group_separator: Annotated[
        str, Meta(max_length=1, description="What stands between several groups in one cell.")
    ] = ""
    empty_groups: Annotated[
        tuple[str, ...],
        Meta(
            description="Ids of groups that exist even when nobody is in them, as `Department=Night Shift`; a rule "
            "that names any other group which nobody is in is an error."
        ),
    ] = ()
    encoding: Annotated[str, Meta(description="Encoding of a file that does not begin with a byte order mark.")] = (
        "utf-8"
    )
    separator: Annotated[
        str,
        Meta(
            max_length=1, description="What stands between cells. Empty: of `,` `;` tab and `|`, what fits the header."
        ),
    ] = ""
    trailer: Annotated[
        str,
        Meta(
            description="First cell of a last line that counts the people: `END` for `END;1042`. A file without it, or "
            "with another count, is refused: so is one that was cut anywhere."
        ),
    ] = ""
    newline_at_end: Annotated[
        bool, Meta(description="The last line ends as the others do; a file where it does not was cut.")
    ] = True
    settle: Annotated[
        timedelta, Meta(description="How long nobody must have written to the file before it is read.")
    ] = timedelta(seconds=5)
    complete: Annotated[
        bool,
        Meta(
            description="The file always lists everybody: whoever is no longer in it is gone. Otherwise absence means "
            "nothing, and only `inactive` and `last_day` tell of leavers."
        ),
    ] = False
    issuer: Annotated[
        str, Meta(description="Name that people of this file bear in the journal. Default: `csv:` and the section.")
    ] = ""
