"""The routes of the pages: from a link to its page, and from the page's buttons to the mutations behind them.

Why the token moves from the address into a cookie: docs/decisions/a-links-token-moves-into-a-cookie.md.
"""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.errors import BackendUnavailable
from connectors.values import Localized
from gateway.auth.authentication import Unauthenticated
from gateway.pages.mail_links.forms import RefusedForm, check_same_origin, read_form
from gateway.pages.mail_links.links import LINKS, PASSWORD, PASSWORD_AGAIN, SIGN_OUT, TERMS, Command, Link
from gateway.pages.page_headers import page_headers, style_route
from gateway.pipeline.endpoint import GraphqlEndpoint
from gateway.pipeline.request_parser import GraphqlRequest
from gateway.server.cookies import cookie_in
from gateway.server.header_names import LANGUAGE, ORGANIZATION, VIEW_AS
from gateway.server.wanted_languages import accepted_languages
from resolvers.languages import Reader, reader_of
from resolvers.portal.facts import PortalFacts
from resolvers.texts import instant_written

STYLE = "/pages/style.css"
LINK_IS_OPEN = 3_600
"""Seconds for which a browser that has opened a link keeps its token."""

HEADERS = page_headers(
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
) | {"cross-origin-resource-policy": "same-origin", "vary": "accept-language, cookie"}

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
_LONGEST_SHOWN = 200
_NOT_PASSED_ON = {
    name.encode() for name in ("authorization", "cookie", "accept-language", LANGUAGE, VIEW_AS, ORGANIZATION)
}
"""Headers that a page does not ask the graph with: a link counts for whoever holds it, whoever is signed in."""

_STATUS = {"RATE_LIMITED": 429, "BACKEND_UNAVAILABLE": 503, "GATEWAY_TIMEOUT": 503, "OUTCOME_UNKNOWN": 503}
_REASON = {429: "wait", 503: "away", 500: "failed"}
"""By an error's code, the status of the page, and by that the text that it shows."""

log = logging.getLogger("forecourt.pages")


@dataclass(frozen=True, slots=True)
class PortalWords:
    """What every page says of the portal: its title and contact by language, its address, and where it begins.

    `default_locale` and `time_zone` are those of visitors. `pages` are the paths of a front end's pages, to which mails
    lead: as long as there is no front end, they say what the page at which the portal begins says. `facts` has the URLs
    of the legal pages.
    """

    title: Localized
    contact: Localized
    address: str
    start: str
    default_locale: str = "en"
    time_zone: str = "UTC"
    pages: Mapping[str, str] = field(default_factory=dict)
    facts: PortalFacts = field(default_factory=PortalFacts)


@dataclass(frozen=True, slots=True)
class _Form:
    """A form to show: what was typed into it, what is wrong with which field, and what is wrong with all of it.

    `wait` is after how many seconds it can be sent again.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    status: int = 200
    wait: int | None = None


@dataclass(frozen=True, slots=True)
class _Visit:
    """A request for the page of a link; `token` is empty when this browser has not opened it."""

    request: Request
    link: Link
    language: str
    token: str = ""

    @property
    def texts(self) -> Mapping[str, Any]:
        """Return the texts in the reader's language."""
        from gateway.pages.mail_links.rendering import languages  # with the first page that somebody opens

        return languages()[self.language]


def page_routes(
    endpoint: GraphqlEndpoint, portal: PortalWords, *, has_graphiql: bool, has_start: bool
) -> list[BaseRoute]:
    """Serve a page for each kind of link, and with `has_start` the page at which the portal begins.

    With `has_graphiql`, each page leads to its mutation in GraphiQL.
    """
    pages = _Pages(endpoint, portal, has_graphiql=has_graphiql)
    routes: list[BaseRoute] = [style_route(STYLE, Path(__file__).with_name("style.css"))]
    if has_start:
        routes += [Route(path, pages.start) for path in ("/", *portal.pages.values()) if path.startswith("/")]
    for link in LINKS:
        routes.append(Route(link.path, partial(pages.opened, link), methods=["GET"]))
        routes.append(Route(link.path + "/{name}", partial(pages.page, link), methods=["GET", "POST"]))
    return routes


_NOTHING_ELSE: dict[str, Any] = {"preview": None, "button": None, "problem": None, "is_done": False, "reference": ""}
"""What a message may have beside its text."""


class _Pages:
    """The pages of one portal."""

    def __init__(self, endpoint: GraphqlEndpoint, portal: PortalWords, *, has_graphiql: bool) -> None:
        self._endpoint = endpoint
        self._portal = portal
        self._has_graphiql = has_graphiql
        self._base = urlsplit(portal.address).path
        self._is_secure = portal.address.lower().startswith("https:")
        self._cookie = "__Secure-forecourt-link" if self._is_secure else "forecourt-link"

    async def start(self, request: Request) -> Response:
        """Answer where the portal begins, as long as nothing else does."""
        return self._answer(request, "start", 200)

    async def opened(self, link: Link, request: Request) -> Response:
        """Answer a link that was opened: its token goes into a cookie, and the browser to an address without it."""
        token = request.query_params.get("token", "")
        if not _TOKEN.fullmatch(token):
            return self._message(self._visit(request, link), "no_token", 404)
        path = f"{self._base}{link.path}/{_name_of(token)}"
        chosen = request.query_params.get("lang", "")[:10]
        answer = RedirectResponse(f"{path}?{urlencode({'lang': chosen})}" if chosen else path, 303, HEADERS)
        self._keep(answer, path, token, LINK_IS_OPEN)
        return answer

    async def page(self, link: Link, request: Request) -> Response:
        """Answer the page of a link that this browser has opened: show it, or do what its button says."""
        token = cookie_in(request.headers, self._cookie) or ""
        # The name is made of the token: neither another link's cookie nor one that somebody planted counts here.
        if not _TOKEN.fullmatch(token) or _name_of(token) != request.path_params["name"]:
            return self._message(self._visit(request, link), "not_open", 404)
        visit = self._visit(request, link, token)
        try:
            if request.method != "POST":
                return await self._shown(visit, _Form())
            check_same_origin(request.headers, self._portal.address)
            fields = await read_form(request)
            command = link.commands.get(fields.get("command", ""))
            if command is None:
                raise RefusedForm(400, "unreadable")
            return await self._done(visit, command, fields)
        except RefusedForm as refused:
            return self._message(visit, refused.reason, refused.status)
        except _Problem as stopped:
            answer = self._message(visit, stopped.reason, stopped.status, reference=stopped.reference or "")
            return _waiting(answer, stopped.wait)
        except ClientDisconnect:
            return Response(status_code=400)

    async def _shown(self, visit: _Visit, form: _Form) -> Response:
        """Answer the page with its form, or what has become of the link."""
        preview = await self._preview(visit)
        if preview is None:
            return self._gone(visit)
        status = preview.get("status", "PENDING")
        if status != "PENDING":
            return _waiting(self._ended(visit, preview, status, form), form.wait)
        names = {name: preview.get(name) or "" for name in ("firstName", "lastName")}
        shown = replace(form, typed=names | dict(form.typed))
        link = visit.link
        graphiql = f"{self._base}/graphiql{link.path}#token={visit.token}" if self._has_graphiql else None
        answer = self._answer(visit.request, link.kind, form.status, preview=preview, form=shown, graphiql=graphiql)
        return _waiting(answer, form.wait)

    def _gone(self, visit: _Visit) -> Response:
        # Of an invitation that was there, the graph says what has become of it; of the others it does not.
        return self._message(visit, "gone", 404 if visit.link.kind == "invitation" else 410)

    def _ended(self, visit: _Visit, preview: Mapping[str, Any], status: str, form: _Form) -> Response:
        """Answer an invitation that cannot be used any more: what has become of it, and what helps."""
        button = "renew" if status in ("EXPIRED", "DECLINED") else None
        code = form.status if form.problem else 410
        return self._message(visit, status.lower(), code, preview=preview, button=button, problem=form.problem)

    async def _done(self, visit: _Visit, command: Command, fields: Mapping[str, str]) -> Response:
        """Execute the mutation of a button, and answer what came of it."""
        texts = visit.texts
        preview = await self._preview(visit) or {}
        wanted = command.fields if preview.get("needsNewAccount", True) else {}
        form = _Form({key: fields.get(key, "")[:_LONGEST_SHOWN] for key in wanted if not key.startswith(PASSWORD)})
        if missing := _missing(wanted, fields, texts):
            return await self._shown(visit, replace(form, errors=missing, status=422))
        try:
            payload = await self._asked(visit, command.document, input=_input_of(visit, command, wanted, fields))
        except _Problem as stopped:
            if stopped.status == 500:
                raise
            problem = texts["common"][stopped.reason]
            return await self._shown(visit, replace(form, problem=problem, status=stopped.status, wait=stopped.wait))
        if payload["errors"]:
            return await self._refused(visit, form, preview, wanted, payload["errors"])
        if payload.get("accessToken"):
            await self._sign_out(visit, payload["accessToken"])
        answer = self._message(visit, f"{fields['command']}_done", 200, preview=preview, is_done=True)
        self._keep(answer, f"{self._base}{visit.link.path}/{_name_of(visit.token)}", "", 0)
        return answer

    async def _refused(
        self,
        visit: _Visit,
        form: _Form,
        preview: Mapping[str, Any],
        wanted: Mapping[str, str],
        errors: Sequence[Mapping[str, Any]],
    ) -> Response:
        """Answer what the mutation refuses: at its fields what can be put right there, else as a page that says why."""
        texts, first = visit.texts, errors[0]
        code = first["code"]
        if code == "RATE_LIMITED":
            wait = first["retryAfterSeconds"]
            return await self._shown(visit, replace(form, problem=texts["common"]["wait"], status=429, wait=wait))
        if code == "TOKEN_INVALID":
            return self._gone(visit)
        if "status" in first:  # of the invitation
            return self._ended(visit, preview, first["status"], _Form())
        if code != "INVALID_INPUT":
            name = code.lower() if code.lower() in texts[visit.link.kind] else "conflict"
            return self._message(visit, name, 409, preview=preview)
        found = {}
        for key, part in wanted.items():
            of_field = [error for error in errors if part and error["path"] == [part]]
            if of_field:
                said = texts["errors"][key]
                constraint = of_field[0].get("constraint") or ""  # such as "length 12..256"
                found[key] = said.get(constraint.partition(" ")[0], said["required"])
        problem = None if found else texts["common"]["wrong"]
        return await self._shown(visit, replace(form, errors=found, problem=problem, status=422))

    async def _preview(self, visit: _Visit) -> Any:
        return await self._asked(visit, visit.link.preview, token=visit.token, locale=visit.language)

    async def _sign_out(self, visit: _Visit, access_token: str) -> None:
        """End the session that a mutation has begun; where that fails, it ends when its time is over."""
        try:
            await self._asked(visit, SIGN_OUT, access_token=access_token)
        except _Problem as stopped:
            log.warning("session of a page not ended", extra={"reason": stopped.reason})

    async def _asked(self, visit: _Visit, document: str, *, access_token: str | None = None, **variables: Any) -> Any:
        """Return what the only field of an operation answers.

        Raises:
            _Trouble: There is no answer.
        """
        asked = GraphqlRequest(document, variables)
        try:
            body = await self._endpoint.result_of(_by_nobody(visit.request, visit.language, access_token), asked)
        except (BackendUnavailable, Unauthenticated):
            raise _Problem(503, "away") from None
        for error in body.get("errors", ()):
            said = error["extensions"]
            status = _STATUS.get(said["code"], 500)
            raise _Problem(status, _REASON[status], said.get("retryAfterSeconds"), said.get("reference"))
        (answer,) = body["data"].values()
        is_over = isinstance(answer, dict) and answer.get("state", "OPEN") != "OPEN"
        return None if is_over else answer

    def _message(self, visit: _Visit, name: str, status: int, **words: Any) -> Response:
        """Answer a page that says one thing: the text of this name, of the link's own or of those for all links."""
        texts = visit.texts
        message = texts[visit.link.kind].get(name) or texts["messages"][name]
        return self._answer(visit.request, "message", status, message=message, **_NOTHING_ELSE | words)

    def _answer(self, request: Request, template: str, status: int, **words: Any) -> Response:
        from gateway.pages.mail_links.rendering import render  # as above

        reader, preview = self._reader(request), words.get("preview")
        language = reader.language
        portal = _of(self._portal.title, language)
        facts = {"portal": portal, "reference": words.get("reference", ""), "organization": ""}
        if preview:
            facts["organization"] = preview["organizationName"] or ""
            facts["email"] = preview["maskedEmail"]
            facts["until"] = instant_written(datetime.fromisoformat(preview["expiresAt"]), reader)
        html = render(
            template,
            language,
            facts=facts,
            portal=portal,
            contact=_of(self._portal.contact, language),
            legal=_legal(self._portal.facts, language),
            start=self._portal.start,
            style=self._base + STYLE,
            # What a form has led to is not at this address, so there is nothing to read in another language.
            can_switch=request.method != "POST",
            **words,
        )
        return HTMLResponse(html, status, HEADERS | {"content-language": language})

    def _visit(self, request: Request, link: Link, token: str = "") -> _Visit:
        return _Visit(request, link, self._reader(request).language, token)

    def _reader(self, request: Request) -> Reader:
        """Return who reads a page: in the language chosen on it, else the browser's best, else the portal's."""
        chosen = request.query_params.get("lang", "")[:10]
        wanted = [chosen, *accepted_languages(request.headers), self._portal.default_locale]
        return reader_of(wanted, self._portal.time_zone)

    def _keep(self, answer: Response, path: str, token: str, seconds: int) -> None:
        answer.set_cookie(
            self._cookie,
            token,
            max_age=seconds,
            path=path,
            secure=self._is_secure,
            httponly=True,
            samesite="lax",  # a link in a mail is opened from another site; strict would not send it with the redirect
        )


class _Problem(Exception):
    """The graph gives no answer; `reason` names the text that says so."""

    def __init__(self, status: int, reason: str, wait: int | None = None, reference: str | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.wait = wait
        self.reference = reference


def _by_nobody(request: Request, language: str, access_token: str | None) -> HTTPConnection:
    """Return the request as the graph is to see it: by nobody, or with this token, in the language of the page."""
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _NOT_PASSED_ON]
    headers.append((b"accept-language", language.encode()))
    if access_token is not None:
        headers.append((b"authorization", f"Bearer {access_token}".encode()))
    return HTTPConnection({**request.scope, "headers": headers})


def _missing(wanted: Mapping[str, str], fields: Mapping[str, str], texts: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with fields that were left empty, and with a password that was not repeated."""
    missing = {key: str(texts["errors"][key]["required"]) for key in wanted if not fields.get(key, "").strip()}
    is_twice = not missing.keys() & {PASSWORD, PASSWORD_AGAIN}
    if PASSWORD in wanted and is_twice and fields[PASSWORD_AGAIN] != fields[PASSWORD]:
        missing[PASSWORD_AGAIN] = texts["errors"][PASSWORD_AGAIN]["different"]
    return missing


def _input_of(
    visit: _Visit, command: Command, wanted: Mapping[str, str], fields: Mapping[str, str]
) -> dict[str, str | bool]:
    """Return the input of the mutation."""
    given: dict[str, str | bool] = {"token": visit.token}
    given |= {part: fields[key] == "yes" if key == TERMS else fields[key] for key, part in wanted.items() if part}
    return given | ({"idempotencyKey": _name_of(visit.token)} if command.is_idempotent else {})


def _name_of(token: str) -> str:
    """Return what the page of a link is called: it distinguishes links, and nobody finds the token by it."""
    return hashlib.sha256(f"page of {token}".encode()).hexdigest()[:32]


def _waiting(answer: Response, seconds: int | None) -> Response:
    if seconds is not None:
        answer.headers["retry-after"] = str(seconds)
    return answer


def _legal(facts: PortalFacts, language: str) -> Mapping[str, str]:
    """Return the URLs of the pages that the vendor has to show, or likes to, by the names of their texts."""
    pages = {
        "terms": facts.terms_urls,
        "privacy": facts.privacy_urls,
        "imprint": facts.imprint_urls,
        "help": facts.help_urls,
    }
    return {name: _of(urls, language) or next(iter(urls.values())) for name, urls in pages.items() if urls}


def _of(texts: Localized, language: str) -> str:
    return texts.get(language) or texts.get("en") or ""
