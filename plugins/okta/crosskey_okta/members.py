"""The members of one group or app, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crosskey.connector.source import MembersPage
from crosskey.errors import RetryableError
from crosskey_okta.groups import MEMBERS
from crosskey_okta.org import Org
from crosskey_okta.settings import OktaSettings

__all__ = ("APP_SIZES", "members_of", "sizes_of")

_RECOMMENDED = 200
APP_SIZES = (500,)
"""Users of an app come 500 a page at most."""


def sizes_of(settings: OktaSettings) -> tuple[int, ...]:
    """Members of a group a page: as configured, then what Okta recommends."""
    return tuple(sorted({settings.member_page, min(settings.member_page, _RECOMMENDED)}, reverse=True))


async def members_of(
    org: Org, path: str, group: str, sizes: Sequence[int], *, whole: bool = False
) -> AsyncIterator[MembersPage]:
    """The members in pages of ``sizes[0]``, or of the next size when Okta cannot give such pages in time.

    ``whole`` marks the first page: whoever is on none is in the group no longer. Raises what the client raises, a
    :class:`crosskey.errors.RejectedError` for a group that is gone.
    """
    first = whole
    url, template, params = f"{path}/{group}/users", f"{path}/{{id}}/users", {"limit": sizes[0]}
    try:
        async for reply in org.listing(url, MEMBERS, params, template=template):
            yield MembersPage(group, [row.id for row in reply.value], whole=first)
            first = False
    except RetryableError:
        if len(sizes) == 1:
            raise
        # Members that came already just come again.
        async for page in members_of(org, path, group, sizes[1:], whole=whole):
            yield page
