"""The icons of the applications, from the gateway's own origin."""

import pytest

from tests.portal import Portal, open_portal


@pytest.mark.parametrize("profile", ["solar_terminal", "software_house"])
async def test_every_application_of_the_catalogue_has_an_icon_that_is_served(profile: str) -> None:
    async with open_portal(profile) as portal:
        catalogue = (await portal.anybody().asks("{ applicationCatalogue { iconUrl } }")).at("applicationCatalogue")
        answers = [await portal.client.get(application["iconUrl"]) for application in catalogue]

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-type"] for answer in answers} == {"image/svg+xml"}
    assert len({answer.text for answer in answers}) == len(catalogue)
    assert all(answer.text.lstrip().startswith("<svg") and "<script" not in answer.text for answer in answers)


async def test_an_icon_cannot_run_anything_in_the_portals_origin(portal: Portal) -> None:
    answer = await portal.client.get("/icons/webshop.svg")

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize(
    "name", ["nothing.svg", "webshop", "..%2fpolicy.toml", "%2e%2e/policy.toml", "..%5cpolicy.toml", "webshop.svg%00"]
)
async def test_what_is_no_icon_is_not_found(portal: Portal, name: str) -> None:
    answer = await portal.client.get(f"/icons/{name}")

    assert answer.status_code == 404
    assert "roles" not in answer.text
