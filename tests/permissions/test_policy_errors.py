"""A policy that cannot be used is refused with the file, the line, what is wrong there and what to write instead."""

# ruff: noqa: E501  a message stands in one piece, as the operator reads it

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.applications.embedded import EmbeddedApplications
from gateway.profile_files import load_profile, shipped_profiles
from gateway.wiring import check_catalogue
from permissions.policy import InvalidPolicy, Policy, parse_policy
from permissions.toml_positions import TomlPositions
from permissions.vocabulary import Permission

VALID = """\
# Who may do what.
[roles.boss]
label = { en = "Boss" }
description = { en = "Runs the organization." }
permissions = [
    "MEMBER_MANAGE",
    "ROLE_ASSIGN",
]
administrative = true
assignable = ["boss", "buyer"]

[roles.buyer]
label = { en = "Buyer" }
description = { en = "Buys." }
permissions = ["ORDER_PLACE"]

[rights]
toggles = ["ORDER_VIEW"]

[vendor]
permissions = ["REGISTRATION_REVIEW"]

[login]
customer_number_prefix = "SHOP_"

[warnings]
ORDER_VIEW = 2
"""


def refused(text: str) -> str:
    with pytest.raises(InvalidPolicy) as refusal:
        parse_policy(text, "policy.toml")
    return str(refusal.value)


def test_the_policy_that_the_others_are_spoiled_from_is_good() -> None:
    policy = parse_policy(VALID, "policy.toml")

    assert list(policy.roles) == ["boss", "buyer"]
    assert policy.direct_permissions == (Permission.ORDER_VIEW,)


@pytest.mark.parametrize(
    ("wrong", "instead_of", "message"),
    [
        ('"ORDER_PLAICE"', '"ORDER_PLACE"', 'line 15: "ORDER_PLAICE" in permissions of [roles.buyer] is no permission; did you mean "ORDER_PLACE"?.'),
        ('"ORDER_VEIW"', '"ORDER_VIEW"', 'line 18: "ORDER_VEIW" in toggles of [rights] is no permission; did you mean "ORDER_VIEW"?.'),
        ('"REGISTRATION_REVIEW"', '"ORDER_PLACE"', 'line 15: "REGISTRATION_REVIEW" in permissions of [roles.buyer] belongs to the vendor\'s staff and may stand under [vendor] only.'),
        ('"REGISTRATION_REVIEW"', '"ORDER_VIEW"', 'line 18: "REGISTRATION_REVIEW" in toggles of [rights] belongs to the vendor\'s staff and may stand under [vendor] only.'),
        ('"ORDER_VIEW"', '"REGISTRATION_REVIEW"', 'line 21: "ORDER_VIEW" in permissions of [vendor] is a permission of customers and may not stand under [vendor].'),
        ("ORDER_VEIW = 2", "ORDER_VIEW = 2", 'line 27: "ORDER_VEIW" in [warnings] is no permission; did you mean "ORDER_VIEW"?.'),
        ("ORDER_VIEW = 0", "ORDER_VIEW = 2", "line 27: ORDER_VIEW in [warnings] must be a number of holders, 1 or more."),
        ("ORDER_VIEW = true", "ORDER_VIEW = 2", "line 27: ORDER_VIEW in [warnings] must be a number of holders, 1 or more."),
        ('["boss", "bayer"]', '["boss", "buyer"]', 'line 10: [roles.boss] may assign "bayer", which is no role; did you mean "buyer"?.'),
        ('["boss", "buyer", "boss"]', '["boss", "buyer"]', 'line 10: "boss" stands twice in assignable of [roles.boss]; remove one.'),
        ('"boss"', '["boss", "buyer"]', 'line 10: assignable of [roles.boss] must be a list of texts such as ["A", "B"].'),
        ('["boss"]', '["boss", "buyer"]', "line 12: nobody may assign buyer: it is in no list of assignable roles; add it to assignable of [roles.boss], or set member_assignable = false."),
        ('administrative = "yes"', "administrative = true", "line 9: administrative of [roles.boss] must be true or false."),
        ("administrative = false", "administrative = true", "no role is administrative, so no organization could run itself; set administrative = true on one."),
        ("administrativ = true", "administrative = true", 'line 9: "administrativ" is not known in [roles.boss]; did you mean "administrative"?.'),
        ('label = { de = "Einkauf" }', 'label = { en = "Buyer" }', "line 13: label of [roles.buyer] needs a text in en, the language of last resort."),
        ('description = { en = "" }', 'description = { en = "Buys." }', 'line 14: [roles.buyer] needs description in each language, such as description = { de = "…", en = "…", fr = "…" }.'),
        ('permissions = ["ORDER_PLACE"]\nmember_assignable = false', 'permissions = ["ORDER_PLACE"]', "line 10: [roles.boss] may assign buyer, which is not member_assignable; take it out, or set member_assignable = true in [roles.buyer]."),
        ('permissions = ["ORDER_PLACE"]\nassignable = ["buyer"]', 'permissions = ["ORDER_PLACE"]', "line 16: [roles.buyer] may assign roles, but does not give ROLE_ASSIGN, without which nobody may; add ROLE_ASSIGN to its permissions, or empty the list."),
        ("customer_number_prefix = 7", 'customer_number_prefix = "SHOP_"', 'line 24: customer_number_prefix must be text such as "DOMUS_".'),
        ("[righst]", "[rights]", 'line 17: "righst" is not known in the file; did you mean "rights"?.'),
        ("togles", "toggles", 'line 18: "togles" is not known in [rights]; did you mean "toggles"?.'),
    ],
)  # fmt: skip
def test_a_problem_is_reported_with_its_line_and_what_would_be_right(wrong: str, instead_of: str, message: str) -> None:
    spoiled = VALID.replace(instead_of, wrong)
    assert spoiled != VALID

    refusal = refused(spoiled)

    assert refusal.removeprefix("policy.toml, ").removeprefix("policy.toml: ") == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (VALID + "ORDER_VIEW = 3\n", "line 28: a key stands twice in its table; remove one."),
        (VALID + "[rights]\n", "line 28: this table stands twice in the file; make one of the two."),
        (VALID.replace("[rights]", "[rights"), "line 17: this is not valid TOML: expected ']' at the end of a table declaration."),
        (VALID.replace("= true", "="), "line 9: this is not valid TOML: invalid value."),
        (VALID + "X = [1\n", 'line 29: a list is not closed; write "]" where it ends.'),
        ("", "there is no role; write at least one table such as [roles.administration]."),
        ("roles = 7", 'line 1: "roles" must be a table; write [roles].'),
        ("[roles]\nboss = 7\n", "line 2: a role is a table; write [roles.boss]."),
    ],
)  # fmt: skip
def test_what_is_no_toml_is_reported_with_the_parsers_line(text: str, message: str) -> None:
    assert refused(text).removeprefix("policy.toml, ").removeprefix("policy.toml: ") == message


def test_what_is_wrong_with_several_roles_and_tables_is_reported_at_once() -> None:
    text = VALID.replace('"ROLE_ASSIGN"', '"ROLE_ASIGN"').replace('label = { en = "Buyer" }', "label = 1")
    text = text.replace('"REGISTRATION_REVIEW"', '"REVIEW"').replace("ORDER_VIEW = 2", "ORDER_VIEW = 0")

    said = refused(text).splitlines()

    assert [line.partition(":")[0] for line in said] == [f"policy.toml, line {line}" for line in (7, 13, 21, 27)]


def test_a_word_is_shown_where_it_is_wrong_and_not_where_it_stood_first() -> None:
    text = VALID.replace("# Who may do what.", '# "MEMBER_VEIW" is no permission.').replace(
        'toggles = ["ORDER_VIEW"]', 'toggles = [\n    "ORDER_VIEW",\n    "MEMBER_VEIW",  # here\n]'
    )

    assert refused(text).startswith('policy.toml, line 20: "MEMBER_VEIW" in toggles of [rights]')


def test_roles_that_only_delegate_each_other_are_refused() -> None:
    ring = "".join(
        f'[roles.{key}]\nlabel = {{ en = "L" }}\ndescription = {{ en = "D" }}\n'
        f'permissions = ["ROLE_ASSIGN"]\nassignable = ["{other}"]\n'
        for key, other in (("first", "second"), ("second", "first"))
    )

    assert refused(VALID + "\n" + ring.replace("[warnings]", "")) == (
        "policy.toml, line 38: first is delegated by second only, which no administrative role delegates, so nobody "
        "ever gets it; add it to assignable of [roles.boss]."
    )


def test_direct_permissions_that_nobody_could_grant_are_refused() -> None:
    text = VALID.replace('    "ROLE_ASSIGN",\n', "").replace('assignable = ["boss", "buyer"]\n', "")

    assert refused(text) == (
        "policy.toml, line 16: nobody could switch these on: no role gives ROLE_ASSIGN; add it to permissions of "
        "[roles.boss]."
    )


@pytest.mark.parametrize(
    ("wrong", "instead_of", "message"),
    [
        ('roles = ["admin"]', 'roles = ["boss"]', 'line 7: the application shop opens for the role "admin", which the policy does not have; known are boss, buyer.'),
        ('permissions = ["ORDER_PLAICE"]', 'roles = ["boss"]', 'line 7: the application shop opens for "ORDER_PLAICE", which is no permission of customers; did you mean "ORDER_PLACE"?.'),
        ('permissions = ["REGISTRATION_REVIEW"]', 'roles = ["boss"]', 'line 7: the application shop opens for "REGISTRATION_REVIEW", which is no permission of customers;'),
        ('permissions = ["AUDIT_VIEW"]', 'roles = ["boss"]', "line 7: nobody could open the application shop: no role and no direct permission gives AUDIT_VIEW; add one of these to a role or to rights.toggles, or open it for a role."),
        ('permissions = ["AUDIT_VIEW"]', 'roles = ["buyer"]', "line 17: nobody could open the mode pro: no role and no direct permission gives AUDIT_VIEW;"),
    ],
)  # fmt: skip
async def test_a_catalogue_that_does_not_go_with_the_policy_is_reported_with_its_line(
    wrong: str, instead_of: str, message: str
) -> None:
    text = _CATALOGUE.replace(instead_of, wrong)
    applications = EmbeddedApplications.from_toml(text, "applications.toml")

    with pytest.raises(InvalidPolicy) as refusal:
        await check_catalogue(applications, parse_policy(VALID, "policy.toml"), "applications.toml", text)

    assert str(refusal.value).startswith(f"applications.toml, {message}")


@pytest.mark.parametrize("profile", shipped_profiles())
@given(data=st.data())
def test_each_key_of_a_shipped_policy_is_found_on_its_line(profile: str, data: st.DataObject) -> None:
    text = Path(load_profile(profile).policy_source).read_text(encoding="utf-8")
    paths = list(_paths(tomllib.loads(text), ()))
    path = data.draw(st.sampled_from(paths))

    line = TomlPositions(text).line_of(*path)

    assert line is not None
    assert path[-1] in text.splitlines()[line - 1]


@given(text=st.text(alphabet="[]{}=.,#\"'\\ \nabc1", max_size=60))
def test_any_text_is_either_a_policy_or_refused(text: str) -> None:
    try:
        answer: Policy | str = parse_policy(text, "policy.toml")
    except InvalidPolicy as refusal:
        answer = str(refusal)

    assert isinstance(answer, Policy) or answer.startswith("policy.toml")


@given(text=st.text(alphabet="[]{}=.,#\"'\\ \nab1", max_size=40))
def test_positions_are_found_in_whatever_is_toml(text: str) -> None:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return

    positions = TomlPositions(text)

    assert all(positions.line_of(key) is not None for key, value in tables.items() if not isinstance(value, dict))


_CATALOGUE = """\
[categories.all]
label = { en = "All" }

[applications.shop]
category = "all"
audience = ["BUSINESS_CUSTOMER"]
roles = ["boss"]
launch = { kind = "DEEP_LINK", url = "https://shop.example/" }
name = { en = "Shop" }
tagline = { en = "Buy" }
description = { en = "Where to buy." }

# The mode stands apart.

[applications.shop.modes.pro]
label = { en = "Pro" }
roles = ["buyer"]
"""


def _paths(value: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [
            found
            for key, inner in value.items()
            for found in [*([] if isinstance(inner, dict) else [(*path, key)]), *_paths(inner, (*path, key))]
        ]
    return [(*path, item) for item in value if isinstance(item, str)] if isinstance(value, list) else []


def test_more_roles_than_lists_of_them_can_show_are_refused() -> None:
    role = """[roles.r{}]
label = {{ en = "R" }}
description = {{ en = "R." }}
permissions = ["ORDER_PLACE"]
"""

    with pytest.raises(InvalidPolicy, match="there are 51 roles; 50 are the most"):
        parse_policy(VALID + "".join(role.format(number) for number in range(49)), "policy.toml")
