"""The class pages: light HTML of their own beside the Gradio page, made for phones.

    /class/         a student joins, reads, commits to a letter; needs no log-in
    /class/teach    the presenter's page; asks for the log-in of the page
    /class/do/NAME  what both call, JSON in and out: the endpoints of class_api.py

room.js draws every text as text, never as HTML; the words come from class_text.py.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
import logging
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from lawui.errors import LabError, UsageError
from lawui.lab import Lab
from lawui.ui import access, class_text
from lawui.ui.api import Api
from lawui.ui.text import preferred, said, say

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
LONGEST_BODY = 20_000
"""Bytes of a request: a name, a letter, a few words to search by."""

LEFT = ("wait.left", "wait.soon", "wait.unknown", "word.seconds")
"""Words of the whole page that these pages say too."""

AT_ONCE = ("join", "vote", "state")
"""What needs no model and no file, and so no thread of its own."""

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def routes(lab: Lab, auth_header: str = "") -> list[Route]:
    """The routes to put before Gradio's own."""
    pages = ClassPages(lab, auth_header)
    return [
        Route("/class", pages.slash),
        Route("/class/", pages.student),
        Route("/class/teach", pages.presenter),
        Route("/class/qr.svg", pages.qr),
        Route("/class/{name}", pages.file),
        Route("/class/do/{name}", pages.do, methods=["POST"]),
    ]


class ClassPages:
    """The pages of one lab."""

    def __init__(self, lab: Lab, auth_header: str) -> None:
        self._lab, self._header = lab, auth_header
        api = Api(lab)
        self._actions: dict[str, Callable[..., Any]] = {
            "open": api.class_open,
            "show": api.class_show,
            "go": api.class_go,
            "close": api.class_close,
            "join": api.class_join,
            "vote": api.class_vote,
            "state": api.class_state,
            "choices": functools.partial(choices, lab),
        }

    def slash(self, request: Request) -> Response:
        """/class as /class/, so that the names in the page are found."""
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"class/{query}")

    def student(self, request: Request) -> Response:
        """The page to join and to vote on."""
        return _page(self._lang(request), "class.title", {"role": "student"}, self._lab.server)

    def presenter(self, request: Request) -> Response:
        """The page to lead a class from."""
        lang, people = self._lang(request), self._lab.people
        user = access.user_of(request, self._header) or ""
        if people.log_in and not user:
            return RedirectResponse("../", headers=_HEADERS)  # the log-in of the page
        with access.acting(user):
            may = people.may("teach")
        local = (request.url.hostname or "") in access.LOOPBACK
        return _page(
            lang,
            "class.teach.title",
            {"role": "presenter", "may": may, "loopback": local},
            self._lab.server,
        )

    def qr(self, request: Request) -> Response:
        """The address to join at, with the code in it, as a QR code."""
        import segno

        code = request.query_params.get("c", "")[:20]
        if not code.isalnum() or not code.isascii():
            return Response(status_code=404)
        address = request.url.replace(path=request.url.path[: -len("qr.svg")], query=f"c={code}")
        drawn = io.BytesIO()
        segno.make_qr(str(address), error="m").save(drawn, kind="svg", scale=8, border=3)
        return Response(drawn.getvalue(), media_type="image/svg+xml", headers=_HEADERS)

    def file(self, request: Request) -> Response:
        """The script and the style of the pages."""
        name = request.path_params["name"]
        if name not in ("room.js", "room.css"):
            return Response(status_code=404)
        return FileResponse(FOLDER / name, headers={"X-Content-Type-Options": "nosniff"})

    async def do(self, request: Request) -> Response:
        """One action, as JSON; what can be put right comes back as a sentence."""
        lang = self._lang(request)
        name = request.path_params["name"]
        try:
            action = self._actions.get(name)
            if action is None:
                raise UsageError("class.request")
            values = _checked(action, await _body(request))
            with access.acting(access.user_of(request, self._header) or ""):
                if name in AT_ONCE:
                    return JSONResponse(action(**values), headers=_HEADERS)
                found = await run_in_threadpool(action, **values)
                return JSONResponse(found, headers=_HEADERS)
        except LabError as error:
            told = {"error": error.key, "text": error.text(lang)}
            return JSONResponse(told, 400, headers=_HEADERS)
        except Exception:
            log.exception("unexpected error in the class action %s", name)
            told = {"error": "unexpected", "text": say("class.unexpected", lang)}
            return JSONResponse(told, 500, headers=_HEADERS)

    def _lang(self, request: Request) -> str:
        asked = request.query_params.get("lang", "")
        if asked in ("ja", "en"):
            return asked
        return preferred(request.headers.get("accept-language", ""), self._lab.settings.lang)


def choices(
    lab: Lab, code: str, key: str, set: str = "", words: str = "", lang: str = "ja"
) -> dict[str, Any]:
    """What a presenter chooses from: sets, the questions of one, versions of the model."""
    lab.classroom.state(code, key=key)  # for the presenter's eyes
    sets = [s["name"] for s in lab.sets(access.reader()) if "fault" not in s and s["items"]]
    name = set if set in sets else sets[0]
    found = lab.find(name, words=words)[:500]
    return {
        "sets": [{"name": n, "words": said(f"set.{n}", lang, n)} for n in sets],
        "set": name,
        "questions": [
            {
                "id": q.id,
                "number": q.id.partition("-")[2],
                "law": q.law,
                "stem": q.stem[:80],
                "given": bool(q.given_context),
            }
            for q in found
        ],
        "adapters": [info.name for info in lab.adapters() if not info.fault],
    }


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises UsageError for anything else; a form of another
    site cannot send this type."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("class.request")
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > LONGEST_BODY:
            raise UsageError("class.request")
    try:
        body = json.loads(read)
    except (ValueError, RecursionError) as error:
        raise UsageError("class.request") from error
    if not isinstance(body, dict):
        raise UsageError("class.request")
    return body


def _checked(action: Callable[..., Any], body: dict[str, Any]) -> dict[str, Any]:
    """What was sent as the arguments of `action`: text for text, a number for a number."""
    known = inspect.signature(action, eval_str=True).parameters
    needed = {n for n, p in known.items() if p.default is inspect.Parameter.empty}
    needed -= {"lab"}
    if not needed <= set(body) <= set(known):
        raise UsageError("class.request")
    for name, value in body.items():
        if type(value) is not known[name].annotation:
            raise UsageError("class.request")
    return body


def _page(lang: str, title: str, settings: dict[str, Any], server: str = "") -> HTMLResponse:
    words = {key: say(key, lang) for key in (*class_text.TEXT, *LEFT)}
    # `<` could end the script element early.
    data = json.dumps({**settings, "words": words, "lang": lang}).replace("<", "\\u003c")
    other = "en" if lang == "ja" else "ja"
    sent = f" {escape(say('page.sent_to', lang))}: {escape(server)}" if server else ""
    return HTMLResponse(
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(say(title, lang))}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="room.css">'
        f'<script type="application/json" id="settings">{data}</script>'
        '<script src="room.js" defer></script></head>'
        f'<body class="{"leads" if settings["role"] == "presenter" else "learns"}">'
        f"<header><h1>{escape(say(title, lang))}</h1>"
        f'<a id="language" href="?lang={other}" lang="{other}">'
        f"{escape(say('class.language', lang))}</a></header>"
        '<main id="room"></main><p id="notice" role="status" aria-live="polite"></p>'
        f"<footer>{escape(say('class.advice', lang))}{sent}</footer></body></html>",
        headers=_HEADERS,
    )
