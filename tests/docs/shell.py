"""The commands of a page: run in a workspace beside a real server, or, where that cannot be, looked at closely."""

import ast
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.main import cli
from gateway.settings_sources import InvalidSettings, read_settings
from tests.docs.markdown import ROOT

_ASSIGNMENT = re.compile(r"^(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)$", re.DOTALL)
_RUN = {"curl", "mkdir", "cp", "cat", "openssl", ".venv/bin/python", ".venv/bin/forecourt", "forecourt"}
_COMPOSE = {"up", "down", "pull", "build", "run", "exec", "logs", "ps", "stop", "restart"}
_REPOSITORY = (
    "gateway", "schema", "resolvers", "permissions", "connectors", "tests", "scripts", "docs", "pyproject.toml",
    "compose.yaml", "README.md",
)  # fmt: skip
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", "page", "browser")
_PATIENCE_SECONDS = 60


class Doubtful(Exception):
    """A command is not what it should be, or is one that nobody here can check."""


_ONLY_LOOKED_AT = ("serve", "worker", "staff", "restore", "transfer")
"""Commands of ours that do not end, or change what the server of the page needs; they have tests of their own."""


@dataclass(frozen=True)
class Command:
    """One command, continued over lines or not; `variables` are those set for it, or by it alone."""

    text: str
    words: tuple[str, ...]
    variables: dict[str, str]

    @property
    def is_forecourt(self) -> bool:
        """Whether it is ours."""
        return bool(self.words) and Path(self.words[0]).name == "forecourt"

    @property
    def tests(self) -> tuple[str, ...] | None:
        """The files of tests that it runs; None when it runs none."""
        if self.words[1:3] != ("-m", "pytest"):
            return None
        return tuple(word for word in self.words[3:] if word.startswith("tests/"))

    def runs_in(self, workspace: "Workspace") -> bool:
        """Return whether it is run, rather than only looked at."""
        if not self.words:
            return True
        if self.tests is not None:
            return workspace.copied  # the suite runs the other tests anyway
        if self.words[:2] == ("make", "generate"):
            return workspace.copied
        if self.is_forecourt:
            return self.words[1] not in _ONLY_LOOKED_AT
        return self.words[0] in _RUN


def commands_of(text: str) -> list[Command]:
    """Return the commands of a script; comments are left out."""
    commands, waiting = [], ""
    for line in text.splitlines():
        waiting = f"{waiting}\n{line}" if waiting else line
        if line.endswith("\\"):
            continue
        try:
            words = shlex.split(waiting.replace("\\\n", " "), comments=True)
        except ValueError:  # a quotation goes on in the next line
            continue
        if words:
            commands.append(_command(waiting, words))
        waiting = ""
    if waiting:
        raise Doubtful(f"this command does not end: {waiting}")
    return commands


def _command(text: str, words: list[str]) -> Command:
    variables = {}
    while words and (match := _ASSIGNMENT.match(words[0] if words[0] != "export" else " ".join(words[:2]))):
        variables[match["name"]] = match["value"]
        words = words[2:] if words[0] == "export" else words[1:]
    if any(value.startswith("$(") for value in variables.values()):
        words = []  # what is left belongs to the command whose output is assigned
    return Command(text, tuple(words), variables)


def look_at(command: Command) -> None:
    """Return when a command that is not run is one that would work.

    Raises:
        Doubtful: It would not, or there is no way to know.
    """
    words = command.words
    ours = {name: value for name, value in command.variables.items() if name.startswith("FORECOURT_")}
    try:
        read_settings(ours)
    except InvalidSettings as error:
        raise Doubtful(f"{command.text}: {error}") from error
    if words[0] == "make":
        _look_at_make(command)
    elif command.is_forecourt:
        _look_at_forecourt(command)
    elif command.tests is not None:
        if missing := [test for test in command.tests if not (ROOT / test).exists()]:
            raise Doubtful(f"{command.text}: there is no {missing[0]}")
    elif words[0] in ("npm", "npx"):
        _look_at_npm(command)
    elif words[:2] == ("docker", "compose"):
        if not _COMPOSE.intersection(words[2:]):
            raise Doubtful(f"{command.text}: this command of docker compose is not known here")
    elif words[0].startswith((".ci/", "scripts/")):
        if not os.access(ROOT / words[0], os.X_OK):
            raise Doubtful(f"{command.text}: {words[0]} is no program")
    else:
        raise Doubtful(f"{command.text}: nobody here can check this command")


def _look_at_npm(command: Command) -> None:
    """Return when npm is to install what the tests of clients have, too; what `npx` runs, the page's test runs."""
    known = json.loads((ROOT / "tests" / "clients" / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    wanted = [word for word in command.words[2:] if not word.startswith("-")] if command.words[0] == "npm" else []
    if command.words[0] == "npm" and command.words[1] != "install":
        raise Doubtful(f"{command.text}: nobody here can check this command")
    if unknown := [package for package in wanted if package not in known]:
        raise Doubtful(f"{command.text}: tests/clients/package.json has no {unknown[0]}")


def _look_at_make(command: Command) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *command.words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Doubtful(f"{command.text}: {done.stderr.strip()}")
    for setting in filter(None, map(_ASSIGNMENT.match, command.words[1:])):
        if setting["name"] not in ("PROFILE", "PORT", "PYTHON"):
            raise Doubtful(f"{command.text}: the Makefile knows no {setting['name']}")


def _look_at_forecourt(command: Command) -> None:
    # Options are read before --help is obeyed, so that this finds those that do not exist.
    done = CliRunner().invoke(cli, [*command.words[1:], "--help"])
    if done.exit_code:
        raise Doubtful(f"{command.text}: {done.output}")


class Workspace:
    """A folder as a reader has it after cloning, with a server that runs the demo there; closed at the end."""

    def __init__(self, *, copied: bool = False) -> None:
        self.copied = copied
        self.folder = Path(tempfile.mkdtemp(prefix="forecourt-docs-"))
        self._server: subprocess.Popen[bytes] | None = None
        for name in _REPOSITORY:
            if not copied:
                (self.folder / name).symlink_to(ROOT / name)
            elif (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.folder / name, ignore=_NOT_COPIED)
            else:
                shutil.copy(ROOT / name, self.folder / name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @cached_property
    def said(self) -> str:
        """What the server printed when it started; starts it."""
        log = self.folder / "server.log"
        with log.open("wb") as out:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "gateway", "serve", "--demo"],
                cwd=self.folder,
                env=self._environment(),
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        patience = time.monotonic() + _PATIENCE_SECONDS
        while "A query to try" not in (said := log.read_text(encoding="utf-8")):
            assert self._server.poll() is None, "the server did not start"
            assert time.monotonic() < patience, "the server takes too long to start"
            time.sleep(0.1)
        return said.replace(f"127.0.0.1:{self.port}", "127.0.0.1:8000")

    def add(self, path: str, text: str, inside: str = "") -> None:
        """Put text at the end of a file of a copied workspace, or of the class `inside` it.

        Raises:
            Doubtful: The file has no such class.
        """
        lines = self._lines(path)
        at = len(lines)
        if inside:
            found = [node for node in ast.parse("\n".join(lines)).body if getattr(node, "name", None) == inside]
            if not found or found[0].end_lineno is None:
                raise Doubtful(f"{path} has no class {inside}")
            at = found[0].end_lineno
        lines[at:at] = text.splitlines()
        self._write(path, lines)

    def replace(self, path: str, line: str, text: str) -> None:
        """Put text instead of a line that stands once in a file of a copied workspace.

        Raises:
            Doubtful: The line does not stand there once.
        """
        lines = self._lines(path)
        if lines.count(line) != 1:
            raise Doubtful(f"in {path} this line stands {lines.count(line)} times: {line}")
        at = lines.index(line)
        lines[at : at + 1] = text.splitlines()
        self._write(path, lines)

    def run(self, commands: list[Command], page: str) -> str:
        """Run the commands in one shell and return what they print; a page's blocks share their variables."""
        script = "\n".join(command.text for command in commands)
        if "127.0.0.1:8000" in script:
            assert self.said
            script = script.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        script = re.sub(r"(^|[\s(])(?:\.venv/bin/)?forecourt ", rf"\1{sys.executable} -m gateway ", script)
        script = script.replace("make generate", f"{sys.executable} -m scripts.generate")
        script = re.sub(r"(^|[\s(])\.venv/bin/python ", rf"\1{sys.executable} ", script)
        state = self.folder / f"{page.replace('/', '-')}.variables"
        whole = f"set -eu -o pipefail -a\n[ -e {state} ] && . {state}\n{script}\nexport -p > {state}\n"
        done = subprocess.run(
            ["bash", "-c", whole], cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()[-2000:]
            raise Doubtful(f"the commands fail with {done.returncode}: {said}")
        return done.stdout

    def close(self) -> None:
        """End the server and remove the folder."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(30)
        shutil.rmtree(self.folder)

    def _lines(self, path: str) -> list[str]:
        file = self.folder / path
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def _write(self, path: str, lines: list[str]) -> None:
        assert not (self.folder / path).parent.is_symlink(), "only a copied workspace is changed"
        (self.folder / path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FORECOURT_")}
        return kept | {"FORECOURT_PORT": str(self.port), "LC_ALL": "C.UTF-8"}
