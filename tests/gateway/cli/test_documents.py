"""``forecourt documents explain`` shows how operations are executed, and says what is wrong with a document."""

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli.main import cli

ORDERS = """
query Orders($id: ID!, $lines: Boolean!) {
  organization(id: $id) { orders(first: 3) { nodes { ...Shown lines @include(if: $lines) { sku } } } }
}

fragment Shown on Order { theNumber: number total { amount } placedBy { displayName } }
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["documents", *words], color=False)


def explained(tmp_path: Path, text: str) -> Result:
    file = tmp_path / "document.graphql"
    file.write_text(text, encoding="utf-8")
    return run("explain", str(file))


def test_each_level_is_shown_with_its_function_and_what_is_left_to_the_general_engine(tmp_path: Path) -> None:
    done = explained(tmp_path, ORDERS)

    assert done.exit_code == 0
    assert done.output.startswith("# query Orders: 6 levels, 3 with a function\n")
    assert (
        """
# organization.orders.nodes: Order
#   placedBy is left to the general engine: awaited
"""
        in done.output
    )
    assert (
        """
def order_rows(run, order_list, placed_by_column, lines_column):
    rows = []
    for order, placed_by, lines in zip(order_list, placed_by_column, lines_column):
        number = order.number
        total = order.total
        if type(total) is not Money:
            return None
        amount = amount_of(total.minor_units, total.currency)
        if type(number) is not str or type(amount) is not str:
            return None
        rows.append({NUMBER: number, TOTAL: {AMOUNT: amount}, PLACED_BY: placed_by, LINES: lines})
    run.budget.objects += len(rows)
    return rows
"""
        in done.output
    )
    assert "\nNUMBER = 'theNumber'\n" in done.output


def test_all_operations_of_a_file_are_explained(tmp_path: Path) -> None:
    done = explained(tmp_path, "query First { viewer { id } } query Second { viewer { profileVersion } }")

    assert [line for line in done.output.splitlines() if line.startswith("# query")] == [
        "# query First: 2 levels, 1 with a function",
        "# query Second: 2 levels, 1 with a function",
    ]


def test_what_is_shown_reads_as_somebody_would_write_it(tmp_path: Path) -> None:
    done = explained(tmp_path, "{ viewer { memberships { nodes { __typename tiles { __typename } } } } }")

    assert "\nTYPENAME = '__typename'\nTYPENAME_VALUE = 'ApplicationTile'\n" in done.output
    assert "rows.append({TYPENAME: TYPENAME_VALUE})" in done.output
    assert "# query: 5 levels" in done.output
    assert "wanted of its records: nothing but their keys\n" in done.output
    assert explained(tmp_path, "{ __typename }").output.startswith("# query: 1 level, 1 with a function\n")


def test_a_level_for_whose_function_there_is_no_room_says_so(tmp_path: Path) -> None:
    nodes = " ".join(f'n{number}: node(id: "") {{ id }}' for number in range(15))

    done = explained(tmp_path, f"{{ {nodes} }}")

    assert "#   id is left to the general engine: no room for more functions in one document\n" in done.output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{ viewer { nothing } }", "line 1, column 12: Cannot query field 'nothing' on type 'Viewer'."),
        ("{ viewer {", "line 1, column 11: Syntax Error: Expected Name, found <EOF>."),
        ("{ viewer " * 50 + "{ id }" + " }" * 50, "too many levels of fields: 51"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "Syntax Error"),
    ],
)
def test_what_is_wrong_with_a_document_is_said_with_its_position(tmp_path: Path, text: str, problem: str) -> None:
    done = explained(tmp_path, text)

    assert done.exit_code == 2
    assert problem in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("explain", str(tmp_path / "none.graphql"))

    assert done.exit_code == 2
    assert "none.graphql: No such file or directory." in done.output
