"""The function that is generated for a type reads what a plain walk through each row does."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.extensions.row_readers import (
    SCALARS,
    RowField,
    RowType,
    Scalar,
    WrongShape,
    converted,
    reader_of,
    record_class,
)

STEPS = ["a", "b", "c"]
VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["", "x"])
JSON = st.recursive(
    VALUES, lambda inner: st.dictionaries(st.sampled_from(STEPS), inner, max_size=3) | st.lists(inner, max_size=2)
)
ROWS = st.lists(st.dictionaries(st.sampled_from(STEPS), JSON, max_size=3) | VALUES, max_size=3)
PATHS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=3).map(tuple)
SCALAR = st.sampled_from([SCALARS[name] for name in ("String", "Float", "Int", "Boolean", "ID")])


def row_type(fields: list[tuple[Any, ...]], name: str = "Thing") -> RowType:
    made = tuple(RowField(f"f{number}", *field) for number, field in enumerate(fields))
    return RowType(name, made, record_class(name, [one.attribute for one in made]))


FLAT = st.lists(st.tuples(PATHS, SCALAR, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=4)
NESTED = st.lists(
    st.tuples(
        PATHS, SCALAR | FLAT.map(lambda fields: row_type(fields, "Inner")), st.booleans(), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=3,
)


class Missing(Exception):
    """Something required is not there."""


def walked(of: RowType, rows: Any) -> tuple[list[Any], int]:
    """What a reader answers, step by step: of each record its values, and how many rows were left out."""
    records, missing = [], 0
    for row in rows:
        if not isinstance(row, dict):
            raise WrongShape
        lost: list[int] = []
        try:
            records.append([value_of(it, row, lost) for it in of.fields])
        except Missing:
            missing += 1
        missing += sum(lost)
    return records, missing


def value_of(it: RowField, row: Any, lost: list[int]) -> Any:
    value = row
    for step in it.path:
        if value is None:
            break
        if not isinstance(value, dict):
            raise WrongShape
        value = value.get(step)
    if value is None:
        if it.is_required:
            raise WrongShape if it.fails else Missing
        return None
    if isinstance(it.of, RowType):
        if it.is_list and not isinstance(value, list):
            raise WrongShape
        found, inner = walked(it.of, value if it.is_list else [value])
        lost.append(inner)
        if it.is_list:
            return found
        if not found and it.is_required:
            raise Missing
        return found[0] if found else None
    if it.is_list:
        if not isinstance(value, list):
            raise WrongShape
        return [converted(one, it.of, "") for one in value if one is not None]
    return converted(value, it.of, "")


def shown(record: Any) -> Any:
    """A record as its values."""
    if isinstance(record, list):
        return [shown(one) for one in record]
    if not hasattr(record, "organization_id"):
        return record
    assert record.organization_id == "org_1"
    return [shown(getattr(record, name)) for name in record.__slots__ if name != "organization_id"]


@given(NESTED.map(row_type), ROWS)
def test_generated_and_walked_are_the_same(of: RowType, rows: Any) -> None:
    read = reader_of(of)
    try:
        expected = walked(of, rows)
    except WrongShape:
        with pytest.raises(WrongShape):
            read(rows, "org_1")
        return

    records, missing = read(rows, "org_1")

    assert (shown(records), missing) == expected


@pytest.mark.parametrize(
    ("scalar", "given", "value"),
    [
        ("ID", 7, "7"),
        ("Float", 7, 7.0),
        ("Decimal", "1.10", Decimal("1.10")),
        ("Decimal", 1.1, Decimal("1.1")),
        ("Date", "2020-05-01", date(2020, 5, 1)),
        ("DateTime", "2020-05-01T10:00:00Z", datetime(2020, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_value_becomes_one_of_the_graph(scalar: str, given: Any, value: Any) -> None:
    assert converted(given, SCALARS[scalar], "a") == value


@pytest.mark.parametrize(
    ("scalar", "given"),
    [
        ("String", 7),
        ("Int", 2**31),
        ("Int", True),
        ("Int", 1.0),
        ("Float", "1"),
        ("Boolean", 1),
        ("Decimal", "x"),
        ("Date", "2020-5-1"),
        ("DateTime", "2020-05-01T10:00:00"),
        ("DateTime", 5),
    ],
)
def test_another_value_is_of_the_wrong_shape_and_stays_unsaid(scalar: str, given: Any) -> None:
    of: Scalar = SCALARS[scalar]

    with pytest.raises(WrongShape) as wrong:
        converted(given, of, "a.b")

    assert str(wrong.value) == f"a.b: {type(given).__name__} where {scalar} was expected"


@pytest.mark.parametrize("written", ["NaN", "sNaN", "-Infinity", "1e999999999", "1e-999999999"])
def test_what_is_no_number_that_means_something_is_no_decimal(written: str) -> None:
    with pytest.raises(WrongShape):
        converted(written, SCALARS["Decimal"], "price")


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_an_instant_that_has_no_date_in_utc_is_none(written: str) -> None:
    with pytest.raises(WrongShape):
        converted(written, SCALARS["DateTime"], "at")
