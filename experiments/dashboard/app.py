"""The dashboard as a web application: pages to look, and three switches to throw.

GET changes nothing. What changes something is a POST with the cookie of a session, the token of
the form and the origin of our own pages; `guard` has looked at the origin before.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from benbot.envs.errors import RecordsUnavailable, TradingError, UnknownName
from benbot.experiments.dashboard.actions import ACTIONS, BY, BY_HAND
from benbot.experiments.dashboard.door import Door
from benbot.experiments.dashboard.figures import (
    colours_of,
    drawdown_figure,
    equity_figure,
    weights_figure,
)
from benbot.experiments.dashboard.forms import read_form
from benbot.experiments.dashboard.guard import Guard
from benbot.experiments.dashboard.looking import LISTS, Looking
from benbot.experiments.dashboard.market import place_of
from benbot.experiments.dashboard.pages import ICON, page, static_files
from benbot.experiments.dashboard.sessions import LASTS, Sessions, Throttle, is_password
from benbot.experiments.dashboard.stages import stages_figure
from benbot.paper.store import set_switch

KEY = 32  # bytes
COOKIE = "benbot"  # the port follows: browsers share cookies among ports
HOST_ONLY = "__Host-"  # browsers take such a cookie over TLS alone, and from no other host


@dataclass(frozen=True)
class Times:
    """The time of day, and seconds that only grow."""

    clock: Callable[[], datetime]
    elapsed: Callable[[], float]


def dashboard(url: str, account: str | None, door: Door, times: Times) -> Guard:
    """Return the application behind its guard."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    rooms = Rooms(Looking(url, account, times.clock), door, times)
    for path, work in (
        ("/", rooms.home),
        ("/account/{account}", rooms.account),
        ("/account/{account}/pulse", rooms.pulse),
        ("/account/{account}/list/{kind}", rooms.listed),
        ("/account/{account}/ask/{action}", rooms.ask),
        ("/login", rooms.login_page),
        ("/static/{name}", rooms.static),
        ("/favicon.ico", rooms.static),
    ):
        app.add_route(path, work, methods=["GET"])
    app.add_route("/account/{account}/switch", rooms.switch, methods=["POST"])
    app.add_route("/login", rooms.login, methods=["POST"])
    app.add_route("/logout", rooms.logout, methods=["POST"])
    app.add_exception_handler(TradingError, _refused)
    app.add_exception_handler(HTTPException, _failed)
    return Guard(app, door)


class Rooms:
    """What is answered at each address."""

    def __init__(self, looking: Looking, door: Door, times: Times) -> None:
        self._looking, self._door, self._times = looking, door, times
        self._sessions = Sessions(secrets.token_bytes(KEY), times.elapsed)
        self._throttle = Throttle(times.elapsed)
        self._is_secure = door.tls is not None
        self._cookie = f"{HOST_ONLY if self._is_secure else ''}{COOKIE}{door.port}"

    # To look.

    def home(self, request: Request) -> Response:
        """Show the only account, or all in a line each."""
        session = self._session(request)
        if session is None:
            return _to("/login")
        names = self._looking.names()
        if len(names) == 1:
            return _to(f"/account/{names[0]}")
        found, others = self._looking.summaries(), self._looking.others()
        values = {"accounts": found, "others": others, "lack": self._looking.lack()}
        return self._page(session, "home.html.j2", **values)

    def account(self, request: Request) -> Response:
        """Show an account."""
        session = self._session(request)
        if session is None:
            return _to("/login")
        told = self._looking.overview(request.path_params["account"])
        drawn = {
            "equity": equity_figure(told.results),
            "drawdown": drawdown_figure(told.results),
            "weights": weights_figure(told.weights),
            "stages": stages_figure(told.weights),
        }
        colours = colours_of(told.weights.names)
        pulse = self._looking.pulse(told.account)
        values = {"told": told, "drawn": drawn, "colours": colours, "pulse": pulse}
        values |= {"place": place_of(told.identity), "is_only": len(self._looking.names()) == 1}
        return self._page(session, "account.html.j2", **values)

    def listed(self, request: Request) -> Response:
        """Show the last rows of one kind."""
        session, kind = self._session(request), request.path_params["kind"]
        if session is None:
            return _to("/login")
        if kind not in LISTS:
            raise HTTPException(404)
        account = request.path_params["account"]
        rows, closes = self._looking.listed(account, kind)
        values = {"account": account, "kind": kind, "rows": rows, "closes": closes}
        values["place"] = self._looking.place(account)
        return self._page(session, "list.html.j2", **values)

    def pulse(self, request: Request) -> Response:
        """Say whether anything has changed, for the script of a page."""
        if self._session(request) is None:
            raise HTTPException(401)
        return JSONResponse(self._looking.pulse(request.path_params["account"]))

    def static(self, request: Request) -> Response:
        """Give the style, script and icon of all pages; nothing of an account is in them."""
        found = static_files().get(request.path_params.get("name", ICON))
        if found is None:
            raise HTTPException(404)
        return Response(found[1], media_type=found[0])

    # To change something.

    def ask(self, request: Request) -> Response:
        """Ask whether somebody is sure."""
        session, action = self._session(request), ACTIONS.get(request.path_params["action"])
        if session is None:
            return _to("/login")
        if action is None:
            raise HTTPException(404)
        account = request.path_params["account"]
        self._looking.require(account)
        token = self._sessions.token(session, f"{account} {action.name}")
        values = {"account": account, "action": action, "form_token": token}
        return self._page(session, "ask.html.j2", **values)

    async def switch(self, request: Request) -> Response:
        """Throw a switch, for whoever is sure."""
        session, account = self._session(request, is_new=False), request.path_params["account"]
        if session is None:
            raise HTTPException(401, "The session is over. Load the page again.")
        form = await read_form(request, ("action", "sure", "token", "reason"))
        action = ACTIONS.get(form["action"])
        if action is None or form["sure"] != "yes":
            raise HTTPException(400, "The form does not say what to do, or that it is sure.")
        if not self._sessions.is_token(session, f"{account} {action.name}", form["token"]):
            raise HTTPException(403, "The form is not of this session. Load the page again.")
        who, reason = f"{BY}, asked from {_client(request)}", form["reason"].strip()
        await run_in_threadpool(self._throw, account, (reason or BY_HAND, who), action.sets)
        return _to(f"/account/{account}")

    def _throw(self, account: str, said: tuple[str, str], sets: Mapping[str, bool]) -> None:
        self._looking.require(account)
        reason, who = said
        set_switch(self._looking.url, account, self._times.clock(), reason, who, **sets)

    # To come in.

    def login_page(self, request: Request) -> Response:
        """Ask for the password."""
        if self._session(request) is not None:
            return _to("/")
        return HTMLResponse(page("login.html.j2", why=""))

    async def login(self, request: Request) -> Response:
        """Let in whoever knows the password, and make others wait."""
        form, who = await read_form(request, ("password",)), _client(request)
        if self._door.password is None:
            return _to("/")
        wait = self._throttle.wait(who)
        if wait > 0.0:
            why = f"Too many wrong passwords. Try again in {wait:.0f} seconds."
            later = {"retry-after": f"{wait:.0f}"}
            return HTMLResponse(page("login.html.j2", why=why), 429, later)
        if not is_password(form["password"], self._door.password.get_secret_value()):
            self._throttle.fail(who)
            return HTMLResponse(page("login.html.j2", why="That is not the password."), 403)
        self._throttle.succeed(who)
        return self._with_cookie(_to("/"), self._sessions.open())

    async def logout(self, request: Request) -> Response:
        """Give the session up."""
        session = self._session(request, is_new=False)
        form = await read_form(request, ("token",))
        if session is None or not self._sessions.is_token(session, "logout", form["token"]):
            raise HTTPException(403, "The form is not of this session. Load the page again.")
        self._sessions.close(session)
        answer = _to("/")
        answer.delete_cookie(self._cookie, secure=self._is_secure, httponly=True, samesite="strict")
        return answer

    # Sessions.

    def _session(self, request: Request, *, is_new: bool = True) -> str | None:
        """Return the session of a request; a new one where no password is asked for."""
        cookie = request.cookies.get(self._cookie)
        if cookie and self._sessions.knows(cookie):
            return cookie
        return self._sessions.open() if is_new and self._door.password is None else None

    def _page(self, session: str, template: str, **values: Any) -> Response:  # noqa: ANN401
        token = self._sessions.token(session, "logout") if self._door.password else ""
        text = page(template, logout_token=token, **values)
        return self._with_cookie(HTMLResponse(text), session)

    def _with_cookie(self, answer: Response, session: str) -> Response:
        answer.set_cookie(
            self._cookie,
            session,
            max_age=int(LASTS),
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer


async def _refused(_: Request, error: Exception) -> Response:
    """Say what our own errors say: they name no secret, and no password of an address."""
    status = 404 if isinstance(error, UnknownName) else 503
    title = "Nothing here" if status == 404 else "The store cannot be read"
    if isinstance(error, RecordsUnavailable):
        title = "The store does not answer"
    return HTMLResponse(page("error.html.j2", title=title, why=str(error)), status)


async def _failed(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    why = error.detail if isinstance(error, HTTPException) else ""
    return HTMLResponse(page("error.html.j2", title=f"Not done ({status})", why=why), status)


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)


def _client(request: Request) -> str:
    return request.client.host if request.client else "unknown"
