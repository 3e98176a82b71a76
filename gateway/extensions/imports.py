"""What an extension imports of Forecourt: `schema.extending` and nothing else, so that a release does not break it."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

FACADE = "schema.extending"
_OURS = ("gateway", "schema", "resolvers", "permissions", "connectors")


def forbidden_imports(files: Sequence[Path]) -> list[str]:
    """Return what is said of each import of ours that no extension may rely on, with file and line.

    A file that is no Python is passed over: whoever runs it says why.
    """
    problems = []
    for file in files:
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        problems += [
            f"{file}, line {line}: an extension imports {FACADE} and nothing else of Forecourt, which may change with "
            f"any release; {module} is something else."
            for line, module in _imported(tree)
            if module.partition(".")[0] in _OURS and module != FACADE
        ]
    return problems


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            if node.module == FACADE.partition(".")[0]:
                for name in node.names:
                    yield node.lineno, f"{node.module}.{name.name}"
            else:
                yield node.lineno, node.module
