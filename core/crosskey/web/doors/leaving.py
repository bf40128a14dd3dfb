"""Going out: only by one's own hand or by word of the provider, and nobody is taken in again afterwards."""

from __future__ import annotations

from starlette.responses import Response

from crosskey.connector.refusal import SsoRefused
from crosskey.web.doors import cookies
from crosskey.web.doors.answering import Asked
from crosskey.web.doors.pages import Action, Page, redirect, secured

__all__ = ("front_channel", "sign_out", "sign_out_page", "signed_out")


async def sign_out_page(asked: Asked) -> Response:
    """Ask first: a link on another site must sign nobody out."""
    try:
        asked.door.keeper.check(asked.session_ticket)
    except SsoRefused:
        return redirect(asked.at("/signed-out"), asked.door.public_url)
    words = asked.words
    fields = {"token": asked.token(asked.session_ticket)}
    action = Action(label=words.sign_out_button, href=asked.at("/sign-out"), fields=fields)
    return asked.page(Page(title=words.sign_out_title, text=(words.sign_out,), actions=(action,)))


async def sign_out(asked: Asked) -> Response:
    """End the session here at once, then on to the provider.

    By a page and not by a redirect: what a form leads to must be on this site, says the policy of our own pages.
    """
    if await asked.form() is None:
        words = asked.words
        back = Action(label=words.sign_out_button, href=asked.at("/sign-out"), primary=False)
        return asked.page(Page(title=words.form_title, text=(words.form,), status=403, actions=(back,)))
    words = asked.words
    onward = await asked.door.keeper.leave(asked.session_ticket)
    if onward is None:
        response = redirect(asked.at("/signed-out"), asked.door.public_url)
    else:
        link = Action(label=words.leaving_link, href=onward)
        page = Page(title=words.leaving_title, text=(words.leaving,), actions=(link,), onward=onward)
        response = asked.page(page)
    for name in ("session", "browser", "trips"):
        cookies.drop(response, asked.name, name)
    cookies.leave(response, asked.name, "out", "1")
    return response


async def signed_out(asked: Asked) -> Response:
    """A page that leads nowhere by itself, whatever the provider says in its address."""
    words = asked.words
    action = Action(label=words.try_again, href=asked.at("/sign-in?sso=off"))
    return asked.page(Page(title=words.signed_out_title, text=(words.signed_out,), actions=(action,)))


async def front_channel(asked: Asked) -> Response:
    """The provider's page says in a frame that somebody signed out there (OIDC Front-Channel Logout 1.0)."""
    said = asked.request.query_params
    asked.door.keeper.front_channel(
        iss=said.get("iss", ""), sid=said.get("sid", ""), session_ticket=asked.session_ticket
    )
    response = Response(status_code=200, media_type="text/plain")
    return secured(response, asked.door.public_url, frames=await asked.door.origins())
