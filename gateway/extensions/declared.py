"""An extension declared in TOML, compiled to what one written in Python declares: `PROFILE/extensions/NAME.toml`."""

import inspect
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from connectors.directory.records.caller import CallerRecord
from connectors.directory.records.memberships import MembershipRecord
from connectors.directory.records.organizations import OrganizationRecord
from connectors.directory.records.people import UserRecord
from connectors.shop.interface import OrderRecord
from connectors.wanted import needs, reads
from gateway.extensions.answers import BackendAnswers, Limit
from gateway.extensions.row_readers import (
    SCALARS,
    RowField,
    RowType,
    Scalar,
    is_attribute,
    reader_of,
    record_class,
    value_reader,
)
from gateway.extensions.tables import Problems, Table
from permissions.access_rules import AUTHENTICATED, OPEN, AccessRule, any_of
from permissions.policy import nearest
from permissions.toml_positions import parser_problem
from permissions.vocabulary import CUSTOMER_CODES, Permission
from resolvers.context import RequestContext
from schema import extending
from schema.extending import (
    Batch,
    Caching,
    DeclaredBackend,
    DeclaredSignIn,
    Extension,
    InvalidExtension,
    Scope,
    SignInKind,
)
from schema.extending.permission_texts import permission_text
from schema.graph.clashes import DECLARED_IN

_TOP = ("api", "rename", "permissions", "backend", "types", "fields", "tests")
_BACKEND = ("description", "url", "sign_in", "timeout", "at_once", "cache", "headers")
_SIGN_IN = ("kind", "secret", "token_url", "user", "client_id", "key", "header", "prefix", "scope")
_CACHE = ("for", "scope", "stale_on_error")
_TYPE = ("description", "fields")
_TYPE_FIELD = ("type", "from", "description", "requires", "missing", "at_most")
_FIELD = ("type", "from", "description", "requires", "get", "batch", "rows", "belongs", "limit", "at_most", "params")
_BATCH = ("by", "of", "join", "repeat", "body", "each", "all", "at_most")
_FORMS = ("join", "repeat", "body", "each", "all")
_LIMIT = ("argument", "sent_as", "counts", "default", "at_most")
_TEST = ("asks", "calls")

_TYPE_WORD = re.compile(r"(\[?)\s*([A-Za-z_]\w*)(!?)\s*(\]?)(!?)")
_EXTERNAL_ID = re.compile(r"external_id\.([a-z][a-z0-9_]*)")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "api-key")
_FILLED_IN = ("language", "request_id")
_LONGEST_TIMEOUT = 30.0
_DAY = 86_400.0

GRAPHQL: Mapping[str, Any] = {
    "String": str,
    "ID": extending.ID,
    "Int": int,
    "Float": float,
    "Boolean": bool,
    **{name: getattr(extending, name) for name in SCALARS if hasattr(extending, name) and name != "ID"},
}
"""The type of each scalar as a field is annotated with it."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A type of ours that may be extended: by which attributes its objects are known elsewhere, and whose they are.

    `owner` is the attribute with the id of the organization, or of the person, whose external id counts.
    """

    type_: type
    record: type | None
    keys: Mapping[str, str]
    organization: str | None = None
    owner: str | None = None

    def attribute_of(self, key: str) -> str:
        """Return the attribute that a key is read from."""
        return self.keys[key] if key in self.keys else str(self.owner)


PARENTS: Mapping[str, Parent] = {
    "Organization": Parent(
        extending.Organization, OrganizationRecord, {"customer_number": "customer_number", "id": "id"}, "id", "id"
    ),
    "Membership": Parent(
        extending.Membership,
        MembershipRecord,
        {"id": "id", "user_id": "user_id", "organization_id": "organization_id"},
        "organization_id",
        "user_id",
    ),
    "Order": Parent(
        extending.Order, OrderRecord, {"number": "number", "id": "id"}, "organization_id", "organization_id"
    ),
    "User": Parent(extending.User, UserRecord, {"email": "email", "id": "id"}, "seen_in", "id"),
    "Viewer": Parent(extending.Viewer, CallerRecord, {"email": "user.email", "id": "user.id"}, None, "user.id"),
    "Query": Parent(extending.Query, None, {}),
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """A type as it is written: `[Plant!]` is a list, and `String!` cannot be null."""

    word: str
    is_list: bool
    is_required: bool


def extension_from_toml(file: Path) -> Extension:
    """Return the extension that a file declares.

    Raises:
        InvalidExtension: With all that is wrong with it, each with its line, the nearest name and what to write.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidExtension(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line, problem = parser_problem(error, text)
        raise InvalidExtension(f"{file}, line {line}: {problem}.") from error
    problems = Problems(str(file), text)
    compiled = _Compiler(file, problems, document).extension()
    if problems.found:
        raise InvalidExtension("\n".join(problems.found))
    assert compiled is not None
    return compiled


@dataclass(slots=True)
class _OwnType:
    """A type of the extension, as far as it is compiled: its class in the graph and how its rows are read."""

    graphql: Any
    rows: RowType


class _Compiler:
    """Compiles one file; what is wrong is noted, and left out of what is made."""

    def __init__(self, file: Path, problems: Problems, document: Mapping[str, Any]) -> None:
        self.file = file
        self.problems = problems
        self.top = Table(problems, (), document, _TOP)
        self.own_types = self.top.table("types")
        self.made: dict[str, _OwnType | None] = {}
        self.making: list[str] = []
        self.renamed: set[str] = set()

    def extension(self) -> Extension | None:
        """Return the extension, None where it has not even a name and an api."""
        try:
            extension = Extension(self.file.stem, api=self.top.number("api", 0, 0, 1_000))
        except InvalidExtension as error:
            wrote = "" if "api" in self.top else "; write api = 1"
            self.top.note(f"{error}{wrote}", "api")
            return None
        self.permissions(extension)
        self.rename = self.names()
        backend = self.backend(extension) if self.top.needs("backend", '{ url = { setting = "…_url" } }') else None
        for name, table in self.own_types.tables(_TYPE):
            self.own_type(name, table)
        extension.types = [one.graphql for one in self.made.values() if one is not None]
        for type_name, fields in self.top.table("fields").tables():
            if type_name not in PARENTS:
                fields.note(f"{type_name} cannot be extended{nearest(type_name, list(PARENTS))}")
                continue
            for name, table in fields.tables(_FIELD):
                self.field(extension, backend, type_name, name, table)
        self.tests(extension)
        for word in self.rename.keys() - self.renamed:
            self.top.note(f'"{word}" in rename is no type and no field of this file', "rename", word)
        return extension

    def permissions(self, extension: Extension) -> None:
        for code, table in self.top.table("permissions").tables():
            text, wrong = permission_text(code, table.values)
            for path, problem in wrong:
                table.note(problem, *path)
            if text is None:
                continue
            extension.texts.permissions[code] = text
            try:
                extension.permission(code)
            except InvalidExtension as error:
                table.note(str(error))

    def names(self) -> Mapping[str, str]:
        """Return what is called otherwise in the graph than in the file."""
        table = self.top.table("rename")
        return {word: name for word in table.values if (name := table.text(word)) is not None}

    def called(self, word: str, otherwise: str) -> str:
        self.renamed.add(word)
        return self.rename.get(word, otherwise)

    def backend(self, extension: Extension) -> DeclaredBackend | None:
        table = self.top.table("backend", _BACKEND)
        example = f"{extension.name}_url"
        url, sign_in = table.setting("url", example), self.sign_in(extension, table)
        timeout = table.seconds("timeout", 2.0, _LONGEST_TIMEOUT)
        at_once = table.number("at_once", 8, 1, 100)
        description = table.text("description") if "description" in table else None
        headers = self.headers(table)
        caching = self.cache(table, headers)
        if url is None:
            return None
        try:
            declared = extension.http_backend(
                description=description, url=url, sign_in=sign_in, timeout=timeout, at_once=at_once, caching=caching
            )
        except InvalidExtension as error:
            table.note(str(error))
            return None
        self.sent_headers = headers
        return declared

    def sign_in(self, extension: Extension, backend: Table) -> DeclaredSignIn:
        if "sign_in" not in backend:
            return DeclaredSignIn()
        table = backend.table("sign_in", _SIGN_IN)
        kind = SignInKind(table.choice("kind", list(SignInKind), SignInKind.NONE))
        if kind is SignInKind.NONE:
            return DeclaredSignIn()
        secret = table.setting("secret", f"{extension.name}_secret")
        token_url = None
        if kind is SignInKind.CLIENT_CREDENTIALS:
            token_url = table.setting("token_url", f"{extension.name}_token_url")
        if secret is None or (token_url is None and kind is SignInKind.CLIENT_CREDENTIALS):
            return DeclaredSignIn()
        who = next((table.text(key) for key in ("user", "client_id", "key") if key in table), None)
        return DeclaredSignIn(
            kind,
            secret,
            token_url,
            who or "forecourt",
            table.text("header") or "X-Api-Key",
            str(table.values.get("prefix", "")),
            table.text("scope"),
        )

    def cache(self, backend: Table, headers: Mapping[str, str]) -> Caching | None:
        if "cache" not in backend:
            return None
        table = backend.table("cache", _CACHE)
        table.needs("for", '"30s"')
        seconds = table.seconds("for", 30.0, _DAY)
        scope = table.choice("scope", tuple(Scope), Scope.VIEWER)
        stale = table.seconds("stale_on_error", 0.0, _DAY)
        for name, value in headers.items():
            if "{request_id}" in value:
                backend.note(
                    f"{name} differs from request to request, so nothing would be found in the cache; leave it out, "
                    "for X-Request-Id is sent anyway"
                )
        if seconds + stale > _DAY:
            table.note("for and stale_on_error come to more than a day together", "stale_on_error")
            return None
        return Caching(seconds, Scope(scope), stale)

    def headers(self, backend: Table) -> Mapping[str, str]:
        table, headers = backend.table("headers"), {}
        for name in table.values:
            value = table.text(name)
            if name.lower() in _SECRET_HEADERS:
                table.note(f"{name} proves who we are, so it never stands in the file; write sign_in for it", name)
            elif not _HEADER_NAME.fullmatch(name) or not (value or "").isprintable():
                table.note(f"{name!r} is no header: its name is letters, digits and -, and its value one line", name)
            elif value is not None:
                for word in re.findall(r"\{(.*?)\}", value):
                    if word not in _FILLED_IN:
                        table.note(f'"{{{word}}}" is not filled in{nearest(word, _FILLED_IN)}', name)
                headers[name] = value
        return headers

    def shape(self, table: Table) -> _Shape | None:
        """Return the type that a field says it has."""
        written = table.text("type", "String")
        if written is None:
            return None
        found = _TYPE_WORD.fullmatch(written)
        if found is None or bool(found[1]) != bool(found[4]) or (found[1] and not found[3]):
            table.note(f'"{written}" is no type; write String, String! or [Plant!], for example', "type")
            return None
        word = found[2]
        if word not in SCALARS and word not in self.own_types:
            known = [*self.own_types.values, *SCALARS]
            table.note(f'"{word}" is no type of this file and no scalar{nearest(word, known)}', "type")
            return None
        return _Shape(word, bool(found[1]), bool(found[5] if found[1] else found[3]))

    def own_type(self, name: str, table: Table | None = None) -> _OwnType | None:
        """Return a type of the file, compiled; None where something is wrong with it."""
        if name in self.made:
            return self.made[name]
        table = table or Table(self.problems, ("types", name), self.own_types.values[name], _TYPE)
        if name in self.making:
            table.note(f"{name} stands within itself, by {' and '.join(self.making)}; rows are trees of an end")
            return None
        if not is_attribute(name):
            table.note(f'"{name}" is no name of a type; write letters and digits, such as Plant')
        self.making.append(name)
        description = table.text("description", "A photovoltaic plant.")
        body: dict[str, Any] = {"__doc__": description}
        annotations, rows = {}, []
        if table.needs("fields", "{ … }") and not table.table("fields").values:
            table.note(f"{table.name} has no field; write one", "fields")
        for attribute, it in table.table("fields").tables(_TYPE_FIELD):
            compiled = self.own_field(name, attribute, it)
            if compiled is not None:
                body[attribute], annotations[attribute], row = compiled
                rows.append(row)
        self.making.pop()
        graph_name = self.called(name, name)
        record = record_class(name, [row.attribute for row in rows])
        cls = type(
            graph_name, (), body | {"__annotations__": annotations, "__module__": __name__, DECLARED_IN: str(self.file)}
        )
        made = extending.graph_type(record, name=graph_name, organization=attrgetter("organization_id"))(cls)
        self.made[name] = _OwnType(made, RowType(name, tuple(rows), record))
        return self.made[name]

    def own_field(self, type_name: str, name: str, table: Table) -> tuple[Any, Any, RowField] | None:
        shape, path = self.shape(table), table.text("from", "serialNumber")
        description, missing = (
            table.text("description", "Its serial number."),
            table.choice("missing", _MISSING, "drop"),
        )
        rule, most = (
            self.requires(table) if "requires" in table else None,
            table.number("at_most", _MOST_ROWS, 1, 1_000),
        )
        if not is_attribute(name):
            table.note(f'"{name}" is no name of a field; write small letters, digits and _, such as peak_power')
            return None
        if shape is None or path is None or description is None:
            return None
        if shape.is_required and rule is not None and rule.signed_in:
            table.note(f"{type_name}.{name} is guarded, so it can be null; write the type without ! at its end", "type")
        own = self.own_type(shape.word) if shape.word in self.own_types else None
        if shape.word in self.own_types and own is None:
            return None
        graphql = own.graphql if own is not None else GRAPHQL[shape.word]
        of: Scalar | RowType = own.rows if own is not None else SCALARS[shape.word]
        row = RowField(name, tuple(path.split(".")), of, shape.is_list, shape.is_required, missing == "fail")
        annotation = list[graphql] if shape.is_list else graphql  # type: ignore[valid-type]
        declared = extending.attribute(
            name, description=description, requires=rule, at_most=most if shape.is_list else None
        )
        return declared, annotation if shape.is_required else annotation | None, row

    def requires(self, table: Table) -> AccessRule | None:
        """Return the rule that a field asks; None where it is none."""
        value = table.values.get("requires")
        if value in ("open", "authenticated"):
            return OPEN if value == "open" else AUTHENTICATED
        if not isinstance(value, list) or not value or not all(isinstance(code, str) for code in value):
            table.note(
                'requires must be a list of permissions, such as ["PLANTS_VIEW"], "authenticated" or "open"', "requires"
            )
            return None
        known, beginning = sorted(CUSTOMER_CODES), f"{self.file.stem.upper()}_"
        has_own = any(code.startswith(beginning) for code in known)
        for code in value:
            if code in known:
                continue
            if code.startswith(beginning) and not has_own:  # another permission that looks like it would be a bad guess
                hint = f"; write its table, [permissions.{code}], with label and description"
            else:
                hint = nearest(code, known)
            table.note(f'"{code}" in requires is no permission of members{hint}', "requires", code)
        codes = [code for code in value if code in known]
        return any_of(*map(Permission, codes)) if codes else None

    def field(
        self, extension: Extension, backend: DeclaredBackend | None, type_name: str, name: str, table: Table
    ) -> None:
        parent = PARENTS[type_name]
        shape, description = self.shape(table), table.text("description", "Its plants.")
        rule = self.requires(table) if table.needs("requires", '["…_VIEW"], or "open"') else None
        path, rows, belongs = table.text("get", "/plants"), table.text("rows"), table.text("belongs")
        if path is not None and not path.startswith("/"):
            table.note(f'get is a path below the URL of the back end; write "/{path}"', "get")
        if shape is not None and shape.is_required:
            table.note(f"{type_name}.{name} is filled by a back end, so it can be null; leave out the last !", "type")
        batch, key = self.batch(type_name, parent, table) if parent.record is not None else (None, None)
        if batch is not None and batch.each:
            extension.notes.append(f"{type_name}.{name} makes a call for each {type_name} on the page (each = true).")
        limit = self.limit(table, batch, shape)
        value_path = table.text("from", "count") if shape is not None and shape.word in SCALARS else None
        if shape is not None and shape.word in self.own_types and "from" in table:
            table.note(f"{shape.word} says itself from where its fields come; leave from out", "from")
        if batch is not None and not batch.each and belongs is None:
            table.note(
                f"{table.name} needs belongs, where each row says whose it is, so that no organization's rows go to "
                'another; write belongs = "company"'
            )
        own = self.own_type(shape.word) if shape is not None and shape.word in self.own_types else None
        params = self.params(table)
        at_most = limit.at_most if limit is not None else table.number("at_most", _MOST_ROWS, 1, 1_000)
        if shape is None or rule is None or path is None or description is None or backend is None:
            return
        if (parent.record is not None and key is None) or (own is None and (value_path is None or shape.is_list)):
            if own is None and shape.is_list and shape.word in SCALARS:
                table.note("a list of scalars stands in a type of its own; write [types.…] for its rows", "type")
            return
        answers = BackendAnswers(
            backend=backend,
            path=path,
            batch=batch,
            key_of=_key_of(parent.attribute_of(key)) if key is not None else None,
            external=key.partition(".")[2] or None if key is not None else None,
            organization_of=attrgetter(parent.organization) if parent.organization is not None else None,
            rows=rows,
            belongs=belongs,
            read_rows=reader_of(own.rows) if own is not None else None,
            read_value=value_reader(SCALARS[shape.word], value_path) if own is None and value_path else None,
            is_list=shape.is_list,
            limit=limit,
            at_most=at_most,
            params=params,
            headers=self.sent_headers,
        )
        graphql = own.graphql if own is not None else GRAPHQL[shape.word]
        called = self.called(f"{type_name}.{name}", name)
        argument = {limit.argument: f"The maximum number of entries of each, 0 to {limit.at_most}."} if limit else None
        declare = extending.field if parent.record is not None else extending.root
        declared = declare(
            _function(answers, parent, key),
            description=description,
            requires=rule,
            graphql_type=(list[graphql] if shape.is_list else graphql) | None,  # type: ignore[valid-type]
            backend=backend,
            arguments=argument,
            sliced_by=limit.argument if limit is not None else None,
            at_most=at_most if shape.is_list else None,
        )
        try:
            extension.extend(parent.type_, **{called: declared})
        except InvalidExtension as error:
            table.note(str(error))

    def params(self, table: Table) -> Mapping[str, str]:
        params = table.table("params")
        return {name: value for name in params.values if (value := params.text(name)) is not None}

    def batch(self, type_name: str, parent: Parent, field: Table) -> tuple[Batch | None, str | None]:
        """Return how the objects of a type are asked for together, and by which attribute of theirs."""
        if not field.needs("batch", '{ by = "company", of = "customer_number", join = "," }'):
            return None, None
        table = field.table("batch", _BATCH)
        form = table.one_of(_FORMS, lambda: 'write join = ",", repeat = true, body = "ids", each = true or all = true')
        at_most = table.number("at_most", 50, 1, 1_000)
        key = table.text("of", next(iter(parent.keys)))
        if key is not None and key not in parent.keys and not _EXTERNAL_ID.fullmatch(key):
            known = [*parent.keys, "external_id.NAME"]
            table.note(f'"{key}" is nothing that {type_name} is known by{nearest(key, known)}', "of")
            key = None
        in_path = form == "each" and "{key}" in str(field.values.get("get"))
        by = table.text("by", "company") if form in ("join", "repeat") or (form == "each" and not in_path) else None
        for flag in ("repeat", "each", "all"):
            if form == flag and not table.truth(flag):
                table.note(f"{flag} of {table.name} must be true, or be left out", flag)
        return (
            Batch(
                by=by or "",
                join=table.text("join", ",") if form == "join" else None,
                body=table.text("body", "ids") if form == "body" else None,
                each=form == "each",
                asks_for_all=form == "all",
                at_most=at_most,
            ),
            key,
        )

    def limit(self, field: Table, batch: Batch | None, shape: _Shape | None) -> Limit | None:
        """Return the argument that chooses how many rows there are of each object."""
        if "limit" not in field:
            return None
        table = field.table("limit", _LIMIT)
        argument = table.text("argument", "first")
        sent_as = table.text("sent_as") if "sent_as" in table else None
        at_most = table.number("at_most", 100, 1, 1_000)
        default = table.number("default", min(20, at_most), 0, at_most)
        counts = table.choice("counts", ("per_key", "per_call"), "per_key")
        table.needs("counts", '"per_key"')
        if counts == "per_call" and batch is not None and not batch.each:
            table.note(
                "what the back end limits per call, one organization's rows would take from another's in a batch; "
                'write each = true in batch, or leave sent_as out and counts = "per_key", and it is limited here',
                "counts",
            )
        if shape is not None and not shape.is_list:
            table.note("there is a limit only to a list; write the type as [Plant!], or leave limit out")
        if argument is None:
            return None
        if not is_attribute(argument):
            table.note(f'"{argument}" is no name of an argument; write first, for example', "argument")
            return None
        return Limit(argument, sent_as, default, at_most)

    def tests(self, extension: Extension) -> None:
        tables = self.top.values.get("tests", [])
        if not isinstance(tables, list):
            self.top.note("[[tests]] are tables in a list; write [[tests]]", "tests")
            return
        for number, value in enumerate(tables):
            table = Table(self.problems, ("tests", str(number)), value, _TEST)
            asks = table.text("asks", "{ viewer { id } }")
            calls = table.table("calls")
            if asks is not None:
                extension.tests.append((asks, {name: calls.number(name, 1, 0, 1_000) for name in calls.values}))


_MISSING = ("drop", "fail")
_MOST_ROWS = 100


def _key_of(attribute: str) -> Callable[[Any], Any]:
    """Return what reads by what an object is known: of an e-mail address, only one that is confirmed.

    An administrator may invite any address, and whoever has not confirmed theirs has shown nothing.
    """
    of, _, name = attribute.rpartition(".")
    if name != "email":
        return attrgetter(attribute)
    user_of: Callable[[Any], Any] = attrgetter(of) if of else lambda user: user

    def confirmed(parent: Any) -> str | None:
        user = user_of(parent)
        return user.email if user.email_verified else None

    return confirmed


def _function(answers: BackendAnswers, parent: Parent, key: str | None) -> Callable[..., Any]:
    """Return the function of a field, whose signature says its argument, and what it reads of each parent."""
    answer: Callable[..., Any]
    if parent.record is None:

        async def answer_alone(context: RequestContext, **values: Any) -> Any:
            return await answers.alone(context, **values)

        answer, names = answer_alone, ["context"]
    else:
        attribute = parent.attribute_of(str(key))
        read = [attribute] + ([parent.organization] if parent.organization is not None else [])
        if attribute == "email":
            read.append("email_verified")

        @reads(parent.record, attrgetter(*(one.partition(".")[0] for one in read)))
        async def answer_all(context: RequestContext, parents: Sequence[Any], **values: Any) -> Any:
            return await answers.of_all(context, parents, **values)

        answer, names = answer_all, ["context", "parents"]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    limit = answers.limit
    answer.__annotations__ = {}
    if limit is not None:
        answer.__annotations__ = {limit.argument: int}
        parameters.append(
            inspect.Parameter(limit.argument, inspect.Parameter.KEYWORD_ONLY, default=limit.default, annotation=int)
        )
    vars(answer)["__signature__"] = inspect.Signature(parameters)
    return needs(UserRecord, lambda user: user.id)(answer)  # of the caller, and nothing else
