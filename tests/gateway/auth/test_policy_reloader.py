"""A policy is read again while the gateway runs: a good one counts from the next request, a bad one changes nothing."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.main import _reload_on_hangup
from gateway.profile_files import load_profile
from tests.logs import capture_logs
from tests.portal import Person, Portal, open_portal

MEMBERS = "query ($organization: ID!) { organization(id: $organization) { members { totalCount } } }"


@pytest.fixture
async def own_portal(tmp_path: Path) -> AsyncIterator[Portal]:
    """A gateway on a copy of the Solar Terminal's profile, to spoil."""
    folder = shutil.copytree(load_profile("solar_terminal").folder, tmp_path / "own")
    async with open_portal(str(folder)) as portal:
        yield portal


def policy_file(portal: Portal) -> Path:
    return Path(portal.settings.profile) / "policy.toml"


def rewrite(portal: Portal, old: str, new: str) -> None:
    file = policy_file(portal)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


async def sees_members(person: Person, organization: str) -> bool:
    answer = await person.asks(MEMBERS, organization=organization)
    return answer.at("organization.members") is not None


async def test_a_right_added_to_a_role_counts_from_the_next_request_with_the_same_token(own_portal: Portal) -> None:
    buyer = await own_portal.person("purchase@helios.example")
    organization = await own_portal.organization_of("purchase@helios.example")
    before = await sees_members(buyer, organization)

    rewrite(own_portal, '"ORDER_PLACE",', '"ORDER_PLACE",\n    "MEMBER_VIEW",')
    assert await own_portal.wiring.policies.reload()

    assert (before, await sees_members(buyer, organization)) == (False, True)


async def test_tiles_seen_before_follow_the_policy_that_is_in_force_now(tmp_path: Path) -> None:
    folder = shutil.copytree(load_profile("software_house").folder, tmp_path / "own")
    without, with_downloads = "permissions = []", 'permissions = ["SOFTWARE_DOWNLOAD"]'

    async with open_portal(str(folder)) as portal:
        authorised = await portal.person("orders@hausgut.example")

        async def tiles() -> list[str]:
            answer = await authorised.asks("{ viewer { applications { application { key } } } }")
            return [tile["application"]["key"] for tile in answer.at("viewer.applications")]

        before = await tiles()
        rewrite(portal, without, with_downloads)
        assert await portal.wiring.policies.reload()
        with_another_permission = await tiles()
        rewrite(portal, with_downloads, without)
        assert await portal.wiring.policies.reload()

        assert set(with_another_permission) - set(before) == {"downloads"}
        assert await tiles() == before


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"ORDER_PLACE",', '"ORDER_PLAICE",', 'did you mean "ORDER_PLACE"?'),
        ('"planning"]', '"planing"]', 'did you mean "planning"?'),
        ("administrative = true", "administrative =", "this is not valid TOML"),
    ],
)
async def test_a_bad_policy_is_reported_once_and_the_old_one_stays(
    own_portal: Portal, old: str, new: str, problem: str
) -> None:
    in_force = own_portal.wiring.policy
    rewrite(own_portal, old, new)

    with capture_logs() as logs:
        assert not await own_portal.wiring.policies.reload()

    assert own_portal.wiring.policy is in_force
    (entry,) = logs
    assert entry["log_level"] == "error"
    assert f"{policy_file(own_portal)}, line " in entry["problem"]
    assert problem in entry["problem"]


async def test_a_policy_that_the_catalogue_does_not_go_with_is_refused(own_portal: Portal) -> None:
    text = policy_file(own_portal).read_text(encoding="utf-8").replace("planning", "drafting")
    policy_file(own_portal).write_text(text, encoding="utf-8")

    with capture_logs() as logs:
        assert not await own_portal.wiring.policies.reload()

    assert 'opens for the role "planning", which the policy does not have' in logs[0]["problem"]
    assert "applications.toml, line " in logs[0]["problem"]


async def test_a_file_that_is_gone_or_unreadable_changes_nothing(own_portal: Portal) -> None:
    in_force = own_portal.wiring.policy
    policy_file(own_portal).write_bytes(b"\xff")
    unreadable = await own_portal.wiring.policies.reload()
    policy_file(own_portal).unlink()
    gone = await own_portal.wiring.policies.reload()

    assert (unreadable, gone) == (False, False)
    assert own_portal.wiring.policy is in_force


async def test_the_signal_hangup_reads_the_policy_again(own_portal: Portal) -> None:
    in_force = own_portal.wiring.policy
    _reload_on_hangup(own_portal.wiring.policies.reload)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(100):
            await asyncio.sleep(0.01)
            if own_portal.wiring.policy is not in_force:
                break
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)

    assert own_portal.wiring.policy is not in_force
    assert own_portal.wiring.policy == in_force
