"""What each kind of block has to stand: it is executed, and compared with what the page says comes out.

A block's kind is the first word of its info string. Comments of one line directly before it say more:

- ``graphql``  executed as the account in ``<!-- as: … -->``, else as nobody, on the profile in ``<!-- profile: … -->``,
  with ``<!-- variables: {…} -->``; without an answer after it, it has to succeed. With ``<!-- schema -->`` it is an
  excerpt of the schema. ``<!-- keeps: id = viewer.user.id -->`` remembers what stands at a path of the answer, and
  ``<!-- mailed: token = somebody@home.example -->`` the secret of the last mail that waits for an address: ``"$id"``
  and ``"$token"`` in the variables of the page are these then.
- ``json``     the answer of the block before it, exactly; with ``<!-- part -->`` what is shown has to be there; with
  ``<!-- writes: file -->`` a file of a project, as ``ts`` and ``js`` are.
- ``ts``, ``js``  a file of a project, ``<!-- writes: file -->``, which the test of the page compiles and runs.
- ``sh``       run, see shell.py; ``text`` after it is what it prints, with ``<!-- part -->`` lines of it.
- ``python``   executed; with ``<!-- adds: file -->``, ``<!-- adds: file, class Name -->`` or
  ``<!-- replaces: file, line … -->`` put into a copy of the code, in which the commands of the page are run then.
- ``toml``     parsed by what reads such files: ``<!-- reads: settings|policy|applications|profile|demo|mail -->``; with
  ``<!-- writes: file -->`` put where the commands of the page find it. ``<!-- reads: extension plants.toml -->`` is a
  file of an extension, as a ``python`` block can be, which is loaded when it is the extension itself.
"""

import ast
import contextlib
import inspect
import io
import json
import tempfile
import tomllib
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from graphql import DocumentNode, GraphQLError, parse, print_ast

from connectors.applications.embedded import EmbeddedApplications
from connectors.applications.interface import InvalidCatalogue
from gateway.demo.demo_data import demo_data
from gateway.extensions.extension_loading import load_extension
from gateway.profile_files import InvalidProfile, load_profile
from gateway.settings_sources import InvalidSettings, read_settings
from gateway.wiring import check_catalogue
from permissions.policy import InvalidPolicy, Policy, parse_policy
from permissions.vocabulary import forgetting_permissions
from resolvers.audit.wording import forgetting_actions
from resolvers.mail.rendering import MailTexts
from resolvers.mail.templates import InvalidMailTexts
from schema.extending import InvalidExtension
from schema.graph.backends import forgetting_backends
from schema.graph.build import InvalidSchema, build_schema
from tests.docs.markdown import ROOT, Block, Page
from tests.docs.shell import Doubtful, Workspace, commands_of, look_at
from tests.portal import NOW, Portal, open_portal

_NOTES = {
    "graphql": {"as", "profile", "variables", "schema", "keeps", "mailed"},
    "json": {"part", "writes"},
    "ts": {"writes"},
    "js": {"writes"},
    "text": {"part"},
    "sh": set(),
    "python": {"adds", "replaces", "reads"},
    "toml": {"reads", "writes"},
}

WITH_A_PROJECT = {"docs/frontend.md": "test_frontend.py"}
"""Pages whose files make a project, each with the test that runs it."""


@dataclass
class Reading:
    """One page being tried: what its blocks share, from the first to the last."""

    page: Page
    workspace: Workspace
    open: AsyncExitStack
    portals: dict[str, Portal] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    policy: Policy | None = None
    output: Any = None

    async def problems(self) -> list[str]:
        """Try every block and return what is wrong, each with file and line."""
        found = []
        blocks = self.page.blocks
        for block, following in zip_longest(blocks, blocks[1:]):
            try:
                await self._try(block, following)
            except Doubtful as doubt:
                found.append(f"{block.position}: {doubt}")
        return found

    async def _try(self, block: Block, following: Block | None) -> None:
        kind = block.kind.split(" ")[0]
        known = _NOTES.get(kind)
        if known is None:
            raise Doubtful(f"a block of the kind {kind!r} cannot be checked; known are {', '.join(_NOTES)}")
        if unknown := block.notes.keys() - known:
            raise Doubtful(f"the comment {unknown.pop()!r} means nothing to a block of the kind {kind}")
        if "writes" in block.notes and kind in ("json", "ts", "js"):
            if self.page.name not in WITH_A_PROJECT:
                raise Doubtful("no test compiles and runs the files of this page")
            self.output = None
            return
        if kind in ("ts", "js"):
            raise Doubtful("say which file this is, by a comment such as <!-- writes: src/session.ts -->")
        if kind in ("json", "text"):
            output, self.output = self.output, None
            if output is None:
                raise Doubtful("nothing stands before this block that it could be the output of")
            _compare(kind, output, block)
            return
        self.output = None
        match kind:
            case "graphql" if "schema" in block.notes:
                _look_up(block)
            case "graphql":
                await self._ask(block, is_answered=following is not None and following.kind == "json")
            case "sh":
                self._command(block, is_answered=following is not None and following.kind in ("json", "text"))
            case "python":
                await self._python(block)
            case "toml":
                await _read(block, self)

    async def _ask(self, block: Block, *, is_answered: bool) -> None:
        profile = block.notes.get("profile", "solar_terminal")
        portal = self.portals.get(profile)
        if portal is None:
            portal = self.portals[profile] = await self.open.enter_async_context(open_portal(profile))
        name = block.notes.get("as")
        person = await portal.person(name) if name else portal.anybody()
        if mailed := block.notes.get("mailed"):
            word, _, address = mailed.partition(" = ")
            mails = await portal.queued_mails(address)
            if not mails or mails[-1].token is None:
                raise Doubtful(f"no mail with a secret waits for {address}")
            self.kept[word] = mails[-1].token
        variables = json.loads(block.notes.get("variables", "{}"))
        known = {f"${word}": value for word, value in self.kept.items()}
        answer = await person.asks(block.text, **{name: known.get(it, it) for name, it in variables.items()})
        if keeps := block.notes.get("keeps"):
            word, _, path = keeps.partition(" = ")
            self.kept[word] = answer.at(path)
        if not is_answered and answer.errors:
            raise Doubtful(f"the query fails, and no answer after it says so: {answer.errors}")
        self.output = answer.body

    def _command(self, block: Block, *, is_answered: bool) -> None:
        commands = commands_of(block.text)
        running = [command for command in commands if command.runs_in(self.workspace)]
        for command in commands:
            if command not in running:
                look_at(command)
        if running:
            if len(running) < len(commands):
                raise Doubtful("some of these commands are run and some cannot be; put them into two blocks")
            self.output = self.workspace.run(running, self.page.name)
        elif is_answered and any(command.words[:2] == ("make", "run") for command in commands):
            self.output = self.workspace.said

    async def _python(self, block: Block) -> None:
        if "reads" in block.notes:
            await _read(block, self)
            return
        if target := block.notes.get("adds"):
            path, _, inside = target.partition(", class ")
            self.workspace.add(path, block.text, inside)
            return
        if target := block.notes.get("replaces"):
            path, _, line = target.partition(", line ")
            self.workspace.replace(path, line, block.text)
            return
        printed = io.StringIO()
        code = compile(block.text, block.position, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        try:
            with contextlib.redirect_stdout(printed):
                result = eval(code, self.names)
                if inspect.iscoroutine(result):
                    await result
        except Exception as error:
            raise Doubtful(f"{error!r}") from error
        self.output = printed.getvalue()


def _compare(kind: str, output: Any, block: Block) -> None:
    if kind == "text":
        shown, printed = block.text.splitlines(), str(output).splitlines()
        if "part" in block.notes:
            rest = iter(printed)
            if missing := next((line for line in shown if line not in rest), None):
                raise Doubtful(f"this line does not come out, or not in this order: {missing}")
        elif shown != printed:
            raise Doubtful(f"this comes out: {output}")
        return
    try:
        answer = json.loads(output) if isinstance(output, str) else output
    except ValueError as error:
        raise Doubtful(f"what comes out is no JSON: {output}") from error
    shown = json.loads(block.text)
    if not shown:
        raise Doubtful("an empty answer says nothing")
    if difference := _difference(shown, answer, partly="part" in block.notes):
        raise Doubtful(f"{difference}\nThe whole answer:\n{json.dumps(answer, indent=2, ensure_ascii=False)}")


def _difference(shown: Any, real: Any, *, partly: bool, path: str = "") -> str | None:
    """Return where two answers differ; `partly`, objects may have more than what is shown of them."""
    if isinstance(shown, dict) and isinstance(real, dict):
        if partly:
            real = {key: value for key, value in real.items() if key in shown}
        if list(shown) != list(real):
            return f"{path or 'the answer'} has {', '.join(real)}, not {', '.join(shown)}"
        parts: Any = [(f"{path}.{key}", shown[key], real[key]) for key in shown]
    elif isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        parts = [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(shown, real, strict=True))]
    else:
        return None if shown == real and type(shown) is type(real) else f"{path} is {real!r}, not {shown!r}"
    return next(filter(None, (_difference(a, b, partly=partly, path=part) for part, a, b in parts)), None)


def _look_up(block: Block) -> None:
    """Return when each definition shown, and each field of it, stands in the schema just so, descriptions left out."""
    known = _definitions(parse((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")))
    try:
        shown = _definitions(parse(block.text))
    except GraphQLError as error:
        raise Doubtful(f"this is no excerpt of a schema: {error}") from error
    for name, (head, parts) in shown.items():
        if name not in known:
            raise Doubtful(f"the schema has no {name}")
        real_head, real_parts = known[name]
        if head != real_head:
            raise Doubtful(f"in the schema, {name} is {real_head}")
        if missing := [part for part in parts if part not in real_parts]:
            raise Doubtful(f"in the schema, {name} has no {missing[0]!r}")


def _definitions(document: DocumentNode) -> dict[str, tuple[str, list[str]]]:
    """Return each definition's first line and its parts, printed in one form."""
    found = {}
    for definition in document.definitions:
        bare: Any = _undescribed(definition)
        parts = [*(getattr(bare, "fields", None) or ()), *(getattr(bare, "values", None) or ())]
        head = print_ast(bare).partition("{\n")[0].strip()
        found[f"{definition.kind} {bare.name.value}"] = (head, [print_ast(part) for part in parts])
    return found


def _undescribed(node: Any) -> Any:
    changes: dict[str, Any] = {}
    for key in ("fields", "values", "arguments"):
        parts = getattr(node, key, None)
        if parts and all(hasattr(part, "description") for part in parts):
            changes[key] = tuple(_undescribed(part) for part in parts)
    if getattr(node, "description", None) is not None:
        changes["description"] = None
    return type(node)(**{key: getattr(node, key) for key in node.keys if hasattr(node, key)} | changes)


async def _read(block: Block, reading: Reading) -> None:
    try:
        tomllib.loads(block.text if block.kind == "toml" else "")
    except tomllib.TOMLDecodeError as error:
        raise Doubtful(f"this is not valid TOML: {error}") from error
    shipped = load_profile("solar_terminal")
    try:
        match block.notes.get("reads"):
            case "settings":
                _settings(block)
            case "policy":
                reading.policy = parse_policy(block.text, block.position)
            case "applications":
                policy = reading.policy or parse_policy(shipped.policy_text, shipped.policy_source)
                catalogue = EmbeddedApplications.from_toml(block.text, block.position)
                await check_catalogue(catalogue, policy, block.position)
            case "profile":
                _profile(block)
            case "demo":
                demo_data(replace(shipped, demo_text=block.text, demo_source=block.position), now=NOW)
            case "mail":
                MailTexts({"de": (block.text, block.position)})
            case str(reads) if reads.startswith("extension "):
                _extension(block, reads.removeprefix("extension "), reading)
            case _:
                raise Doubtful("say what reads this file, by a comment such as <!-- reads: policy -->")
    except (
        InvalidSettings,
        InvalidPolicy,
        InvalidCatalogue,
        InvalidProfile,
        InvalidMailTexts,
        InvalidExtension,
        InvalidSchema,
    ) as error:
        raise Doubtful(str(error)) from error
    if path := block.notes.get("writes"):
        (reading.workspace.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (reading.workspace.folder / path).write_text(block.text, encoding="utf-8")


def _extension(block: Block, name: str, reading: "Reading") -> None:
    """Load an extension, with the files of it that stood before on the page."""
    folder = reading.workspace.folder / "extension blocks" / "extensions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(block.text, encoding="utf-8")
    stem, *kinds = name.split(".")
    if len(kinds) > 1:
        return
    with forgetting_permissions(), forgetting_backends(), forgetting_actions():
        build_schema(additions=[load_extension(folder.parent, stem, ("de", "en", "fr")).addition])


def _settings(block: Block) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "forecourt.toml"
        file.write_text(block.text, encoding="utf-8")
        read_settings({"FORECOURT_CONFIG": str(file)})


def _profile(block: Block) -> None:
    shipped = load_profile("solar_terminal")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "profile.toml").write_text(block.text, encoding="utf-8")
        (Path(folder) / "policy.toml").write_text(shipped.policy_text, encoding="utf-8")
        (Path(folder) / "applications.toml").write_text(shipped.applications_text, encoding="utf-8")
        load_profile(folder)
