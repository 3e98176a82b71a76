"""What people chose as their names does nothing in an operator's terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.terminal import say, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jörg Weiß, 株式会社, Zoë", "Jörg Weiß, 株式会社, Zoë"),
        ("one\ntwo", "one\ntwo"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\tb\rc", "a\\u0009b\\u000dc"),
        ("\u202eelpmaxe.live", "\\u202eelpmaxe.live"),
        ("a\U000e0041\U000e007f", "a\\udb40\\udc41\\udb40\\udc7f"),
        ("\u2066x\u2069 \u200b\u2060\ufeff", "\\u2066x\\u2069 \\u200b\\u2060\\ufeff"),
        ("\u3164\u115f\ufe0f\u2800", "\\u3164\\u115f\\ufe0f\\u2800"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\u0085"),
        ("\ud800", "\\ud800"),
    ],
    ids=ascii,
)
def test_what_moves_turns_or_hides_is_written_as_its_code(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(text)

    assert capsys.readouterr().out == f"{shown}\n"


@given(st.text())
def test_nothing_that_does_not_show_is_printed_and_json_keeps_its_meaning(text: str) -> None:
    printed = visible(json.dumps(text, ensure_ascii=False))

    assert not {unicodedata.category(one) for one in printed} & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
    assert json.loads(printed) == text
