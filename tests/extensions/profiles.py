"""Profiles of a test's own, with extensions in them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

SHIPPED = Path(__file__).parents[2] / "gateway" / "profiles" / "solar_terminal"


def profile_with(
    folder: Path, *names: str, files: Mapping[str, str | Path] = {}, gives: Mapping[str, tuple[str, ...]] = {}
) -> Path:
    """A copy of a shipped profile that names these extensions, whose files are given by name; `gives` adds permissions
    to roles by their key.
    """
    profile = folder / "profile"
    shutil.copytree(SHIPPED, profile)
    settings = profile / "profile.toml"
    listed = ", ".join(f'"{name}"' for name in names)
    settings.write_text(f"extensions = [{listed}]\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    (profile / "extensions").mkdir()
    for name, content in files.items():
        text = content.read_text(encoding="utf-8") if isinstance(content, Path) else content
        (profile / "extensions" / name).write_text(text, encoding="utf-8")
    policy = profile / "policy.toml"
    text = policy.read_text(encoding="utf-8")
    for role, codes in gives.items():
        before, _, after = text.partition(f"[roles.{role}]")
        quoted = "".join(f'    "{code}",\n' for code in codes)
        text = f"{before}[roles.{role}]{after.replace('permissions = [', 'permissions = [' + chr(10) + quoted, 1)}"
    policy.write_text(text, encoding="utf-8")
    return profile
