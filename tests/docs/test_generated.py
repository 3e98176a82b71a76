"""What is made from the code is committed as the code makes it."""

import pytest

from gateway.settings import Settings
from scripts.generate import GENERATED, ROOT, with_settings


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_file_is_what_the_code_says(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert text == GENERATED[name](text), "Run `make generate` and look at what changed."


def test_a_new_setting_gets_its_row_below_the_one_declared_before_it_and_one_that_is_gone_loses_its_own() -> None:
    before, new = list(Settings.model_fields)[3:5]
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    lines = page.splitlines()
    row = next(line for line in lines if line.startswith(f"| `{new}` |"))
    lines[lines.index(row)] = "| `long_gone` | none | What nobody sets any more. |"

    made = with_settings("\n".join(lines)).splitlines()

    assert "long_gone" not in "\n".join(made)
    at = made.index(row)
    assert made[at - 1].startswith(f"| `{before}` |")
    assert sorted(made) == sorted(page.splitlines())
