"""Write every file that is made from the code: ``make generate``.

The printed schema, the permissions sheet, the tables of settings in docs/configuration.md, those of what becomes of
requests in docs/failing-servers.md, and the entries of the catalogues of translations. With ``--check``, nothing is
written, and the exit code is 1 when a file is not what the code says.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from gateway.cli.policy import shipped_sheets
from gateway.settings import Settings
from resolvers.languages import CATALOGUES
from schema.graph.build import build_schema, printed
from scripts.texts import with_texts
from tests.faults.outcomes import with_outcomes

ROOT = Path(__file__).parents[1]
_ROW = re.compile(r"^\| `(?P<name>\w+)` \|.*\|$")


def default_of(name: str) -> str:
    """Return a setting's default as docs/configuration.md writes it."""
    value = Settings.model_fields[name].default
    assert not isinstance(value, SecretStr)
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{' '.join(value) if isinstance(value, tuple) else value}`"


def with_settings(page: str) -> str:
    """Return the page with a row for each setting: where it stood, or else below the setting declared before it."""
    lines = [line for line in page.splitlines() if _setting(line) is None or _setting(line) in Settings.model_fields]
    before = ""
    for name, field in Settings.model_fields.items():
        row = f"| `{name}` | {default_of(name)} | {field.description} |"
        at = next((number for number, line in enumerate(lines) if _setting(line) == name), None)
        if at is None:
            at = next(number for number, line in enumerate(lines) if _setting(line) == before) + 1
            lines.insert(at, row)
        lines[at] = row
        before = name
    return "\n".join(lines) + "\n"


def _setting(line: str) -> str | None:
    row = _ROW.match(line)
    return row["name"] if row is not None and line.count("|") == 4 else None


GENERATED: dict[str, Callable[[str], str]] = {
    "schema/schema.graphql": lambda _before: printed(build_schema()),
    "docs/permissions-sheet.md": lambda _before: shipped_sheets(),
    "docs/configuration.md": with_settings,
    "docs/failing-servers.md": with_outcomes,
    **{f"resolvers/catalogues/{file.name}": with_texts for file in CATALOGUES.glob("*.po")},
}
"""What makes each file, given its text as it is now."""


def main() -> int:
    """Write the files that differ from what the code says, and name them; with --check, only name them."""
    is_check = "--check" in sys.argv[1:]
    stale = 0
    for name, made in GENERATED.items():
        file = ROOT / name
        before = file.read_text(encoding="utf-8")
        after = made(before)
        if before == after:
            continue
        stale += 1
        if is_check:
            print(f"{name} is not what the code says. Run `make generate` and look at what changed.")  # noqa: T201
        else:
            file.write_text(after, encoding="utf-8")
            print(f"{name} is written.")  # noqa: T201
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
