"""That one layer writes the audit log: the resolvers, whose commands know what happened, and why."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("gateway", "schema", "resolvers", "permissions", "connectors")
ENTRIES = "connectors.directory.records.audit"
THE_LOG_ITSELF = {"connectors/directory/audit.py", "connectors/directory/rows.py"}


def files_that_write_entries() -> Iterator[str]:
    """The files that import what an entry of the audit log is made of."""
    for package in PACKAGES:
        for path in sorted(Path(package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_import = isinstance(node, ast.ImportFrom) and node.module == ENTRIES
                if is_import and {"AuditEntry", "Author"} & {alias.name for alias in node.names}:
                    yield path.as_posix()


def test_entries_of_the_audit_log_are_written_by_resolvers_only() -> None:
    elsewhere = {path for path in files_that_write_entries() if not path.startswith("resolvers/")}

    assert elsewhere == THE_LOG_ITSELF
