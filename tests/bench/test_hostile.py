"""That every attack is measured, each request differs from the others, and the figures are shown as they are."""

import pytest

from bench import hostile_report
from bench.hostile import AT_ONCE, ONE_AFTER_ANOTHER, wire_form
from bench.hostile_connections import attacks_on_connections
from bench.hostile_report import Row, median_of, table, worst, write_docs
from tests.gateway.pipeline.hostile import ATTACKS, BATCHES, VALID, Attack

ROWS = [Row("slow", 1_200, 1.25, 3), Row("large", 5, 60, 2), Row("selfish", 5, 1, 150, otherwise=2)]


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in (*ATTACKS, *BATCHES, *attacks_on_connections(b""))]

    assert len(set(names)) == len(names)


def test_each_request_of_an_attack_is_a_document_of_its_own() -> None:
    number = ONE_AFTER_ANOTHER + AT_ONCE
    by_post, by_get = Attack("", VALID, 200, ""), Attack("", b"", 200, "", method="GET", path="?query={viewer{id}}")

    for attack in (by_post, by_get):
        assert len({wire_form(attack, each, "token") for each in range(number)}) == number


def test_a_request_is_sent_as_the_attack_says_and_else_by_somebody_signed_in() -> None:
    attack = Attack("", VALID, 415, "", {"content-type": "text/plain"}, path="?a=1")

    assert wire_form(attack, 1, "token").decode() == (
        "POST /graphql?a=1 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\nauthorization: Bearer token\r\n"
        "content-type: text/plain\r\naccept: application/graphql-response+json\r\ncontent-length: 31\r\n\r\n"
        '{"query": " { viewer { id } }"}'
    )


def test_the_table_ends_with_what_keeps_the_neighbour_waiting_longest() -> None:
    *_, last, remark = table(ROWS).splitlines()

    assert last.split() == ["selfish", "5", "1.0", "150"]
    assert remark == "Answered otherwise than listed, 2 times: selfish"


def test_the_worst_of_each_figure_is_named() -> None:
    assert worst(ROWS, 12.3).splitlines() == [
        "slowest answer: 1,200 ms (meant: 1,000), slow",
        "growth: 60.0 MB (meant: 50), large",
        "growth kept after all: 12.3 MB",
        "neighbour's wait: 150 ms (meant: 100), selfish",
    ]


def test_what_is_measured_several_times_is_shown_by_its_medians() -> None:
    rows = [Row("a", 1, 6, 9), Row("a", 2, 4, 7, otherwise=1), Row("a", 3, 5, 8)]

    assert median_of(rows) == Row("a", 2, 5, 8, otherwise=1)


def test_only_the_section_of_the_page_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page = tmp_path_factory.mktemp("docs") / "performance.md"
    begin, end = hostile_report._BEGIN, hostile_report._END
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(hostile_report, "PAGE", page)

    write_docs(ROWS, 12.3)

    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{begin}\n\nMeasured on ")
    assert text.endswith(
        f"| selfish | 5 | 1.0 | 150 |\n| slow | 1,200 | 1.2 | 3 |\n| large | 5 | 60.0 | 2 |\n{end}\nafter\n"
    )
