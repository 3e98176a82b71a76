"""The house in ten lines, as far as import-linter cannot see it: no circles of imports, no name for two files."""

from collections import defaultdict
from collections.abc import Iterator

import grimp
import pytest

from tests.docs.markdown import ROOT

PACKAGES = ("gateway", "schema", "resolvers", "permissions", "connectors")


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Return what each module imports, at its top, in functions and under TYPE_CHECKING; lazy names do not count."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def test_no_modules_import_one_another_in_a_circle(imports: dict[str, set[str]]) -> None:
    circles = [" -> ".join(circle) for circle in circles_of(imports)]

    assert circles == [], "Let one of them do without the other: pass what it needs, or move it further down."


def test_outside_the_folders_of_domains_no_two_files_have_the_same_name() -> None:
    """Files called like a domain are about it, as gateway/cli/audit.py; a domain calls its own by their kind."""
    layers = {package: {path.stem for path in (ROOT / package).iterdir()} for package in PACKAGES}
    domains = layers["schema"] | layers["resolvers"] | layers["permissions"] | layers["connectors"]
    named = defaultdict[str, list[str]](list)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            path = file.relative_to(ROOT)
            is_in_domain = package != "gateway" and len(path.parts) > 2 and path.parts[1] not in ("graph", "database")
            if not is_in_domain and path.stem not in {"__init__", *domains}:
                named[path.name].append(str(path))

    twice = [files for files in named.values() if len(files) > 1]

    assert twice == [], "Name each by what it holds, so that a name leads to one file."


def test_a_circle_is_found_wherever_it_begins() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": {"e"}, "e": set[str]()}

    assert list(circles_of(imports)) == [["b", "c", "b"]]


def circles_of(imports: dict[str, set[str]]) -> Iterator[list[str]]:
    """Return one circle for each module that is in one and in none returned before."""
    seen: set[str] = set()
    for module in sorted(imports):
        if module not in seen and (circle := _way_back_to(module, imports)):
            seen.update(circle)
            yield circle


def _way_back_to(module: str, imports: dict[str, set[str]]) -> list[str]:
    """Return the shortest way by imports from a module to itself, or nothing."""
    ways = [[module]]
    reached: set[str] = set()
    for way in ways:
        for imported in sorted(imports[way[-1]] - reached):
            if imported == module:
                return [*way, module]
            reached.add(imported)
            ways.append([*way, imported])
    return []
