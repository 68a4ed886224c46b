"""The what-if page on this computer: a desk behind a small web server that nobody else can reach.

It listens on 127.0.0.1 only. The link holds a random key, which the browser trades for a cookie; requests without it,
for another host, or sent by another page are refused. Nothing is loaded from outside and nothing is reported.

Source: OWASP, Cross-Site Request Forgery Prevention (origin check, SameSite cookies); Jackson et al. 2007, "Protecting
Browsers from DNS Rebinding Attacks" (the host is checked).
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from budget.desk import Desk
from mmm.messages import said
from mmm.problems import BudgetError, InputError
from reports.desk import desk_frame, desk_page, desk_state, refused_page
from reports.words import Lang, say

HOST = "127.0.0.1"
MOST_BYTES = 20_000
BOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Next = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Site:
    """Where the page is, and the key to it."""

    port: int
    key: str

    @property
    def url(self) -> str:
        """The link to open."""
        return f"http://{HOST}:{self.port}/?key={self.key}"

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the key; cookies do not tell ports apart."""
        return f"budget-{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names under which the page may be asked for."""
        return (f"{HOST}:{self.port}", f"localhost:{self.port}")

    def admits(self, request: Request) -> bool:
        """Whether a request comes from who was given the link, and from our own page where it changes something."""
        own = request.headers.get("host", "") in self.hosts
        key = secrets.compare_digest(request.cookies.get(self.cookie, "").encode(), self.key.encode())
        origin = request.headers.get("origin")
        return own and key and (request.method == "GET" or origin in {f"http://{host}" for host in self.hosts})


@dataclass(frozen=True, slots=True)
class Page:
    """What the server answers: the desk's page and what its actions come to; one at a time."""

    desk: Desk
    site: Site
    lang: Lang
    turn: threading.Lock

    async def show(self, request: Request) -> Response:
        """The page; who comes by the link is let in and sent on, so that the key does not stay in the address."""
        given = request.query_params.get("key", "")
        if given and secrets.compare_digest(given.encode(), self.site.key.encode()):
            answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
            answer.set_cookie(self.site.cookie, self.site.key, httponly=True, samesite="strict")
            return answer
        if not self.site.admits(request):
            return HTMLResponse(refused_page(self.lang), HTTPStatus.FORBIDDEN)
        return HTMLResponse(await run_in_threadpool(self._page))

    async def act(self, request: Request) -> Response:
        """Do what the page's script asks for, and answer with what is to be shown."""
        body = await _body(request)
        if not self.site.admits(request) or body is None:
            return JSONResponse({"message": ""}, HTTPStatus.FORBIDDEN)
        return await run_in_threadpool(self._act, request.path_params["action"], body)

    def _page(self) -> str:
        with self.turn:
            return desk_page(self.desk.view(), self.lang)

    def _act(self, action: str, body: Mapping[str, Any]) -> Response:
        with self.turn:
            try:
                if action == "workbook":
                    return Response(self.desk.workbook(), media_type=BOOK)
                message = self._done(action, str(body.get("id", "")), str(body.get("text", "")))
                view = self.desk.view()
            except BudgetError as error:
                return JSONResponse({"message": self._told(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)
            except (KeyError, IndexError, ValueError):
                return JSONResponse({"message": ""}, HTTPStatus.BAD_REQUEST)
            except Exception as error:  # noqa: BLE001 - the page says what went wrong and goes on
                message = say(self.lang, "screen.wrong", error=f"{type(error).__name__}: {error}")
                return JSONResponse({"message": message}, HTTPStatus.INTERNAL_SERVER_ERROR)
        return JSONResponse(desk_state(view, self.lang, message))

    def _done(self, action: str, field: str, text: str) -> str:
        """Do an action; KeyError, IndexError or ValueError for one that the page does not offer."""
        desk = self.desk
        if action == "cell":
            line, week = _places(field, "c", 2)
            return desk.set_cell(line, week, text)
        if action == "line":
            (line,) = _places(field, "s", 1)
            return desk.set_line(line, text)
        if action == "lever":
            return desk.set_lever(field, text)
        plain: dict[str, Callable[[], str]] = {
            "solve": desk.solve,
            "undo": desk.undo,
            "reset": desk.reset,
            "keep": lambda: desk.keep(text),
            "forget": lambda: desk.forget(text),
        }
        return plain[action]()

    def _told(self, error: BudgetError) -> str:
        problems = error.problems if isinstance(error, InputError) else ()
        return "\n".join(problem.said(self.lang) for problem in problems) or said(error.args[0], self.lang)


def _places(field: str, kind: str, count: int) -> tuple[int, ...]:
    """The numbers of a field's id such as ``c-3-12``."""
    first, *rest = field.split("-")
    if first != kind or len(rest) != count or not all(part.isdecimal() for part in rest):
        raise ValueError(field)
    return tuple(int(part) for part in rest)


async def _body(request: Request) -> Mapping[str, Any] | None:
    """The JSON object that was sent; None for anything else, or more than the page ever sends."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def application(desk: Desk, site: Site, lang: Lang) -> Starlette:
    """Return the web application of a desk."""
    page = Page(desk, site, lang, threading.Lock())
    app = Starlette(
        routes=[
            Route("/", page.show, methods=["GET"]),
            Route("/do/{action}", page.act, methods=["POST"]),
        ]
    )

    async def secured(request: Request, call_next: Next) -> Response:
        allowed = request.headers.get("host", "") in site.hosts
        answer = await call_next(request) if allowed else Response(status_code=HTTPStatus.MISDIRECTED_REQUEST)
        answer.headers.update(
            {
                "Content-Security-Policy": desk_frame().policy,
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "no-store",
            }
        )
        return answer

    app.add_middleware(BaseHTTPMiddleware, dispatch=secured)
    return app


def listening(port: int) -> socket.socket:
    """A socket on this computer's own address; ``port`` 0 takes a free one.

    Raises
    ------
    OSError
        When the port is taken.
    """
    return socket.create_server((HOST, port))


def serving(desk: Desk, lang: Lang, port: int = 0) -> tuple[Site, uvicorn.Server, socket.socket]:
    """A server that is ready to run on its socket, and where it will be found."""
    opened = listening(port)
    site = Site(opened.getsockname()[1], secrets.token_urlsafe(24))
    config = uvicorn.Config(
        application(desk, site, lang),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
    )
    return site, uvicorn.Server(config), opened
