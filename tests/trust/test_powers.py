"""Powers are derived: from the rules of two people, and from the policies as they stand."""

from itertools import product
from pathlib import Path

import pytest

from hansa.platform import audit_door
from hansa.trust.actors import PASSKEY, ROLES, SINGLE, Actor
from hansa.trust.approvals import RULES
from hansa.trust.labels import CLASSES, Label
from hansa.trust.people import PERSON_ROLES
from hansa.trust.policy import Policy, shipped
from hansa.trust.powers import powers, sees

REALMS = ("open", "security")
SHIPPED = {realm: Policy(shipped(realm), "shipped") for realm in REALMS}
POWERS = powers(SHIPPED)


@pytest.mark.parametrize("kind", RULES)
def test_whoever_stands_behind_a_proposal_is_appointed_by_two(kind: str) -> None:
    assert (RULES[kind].asks | RULES[kind].approves) & set(PERSON_ROLES) <= POWERS


@pytest.mark.parametrize("role", PERSON_ROLES)
def test_whoever_sees_personal_or_security_information_of_others_is_appointed_by_two(role: str) -> None:
    """Every label, owner and purpose of a small city: whoever is shown any of it has a power."""
    who = Actor("person:x", frozenset({role}), frozenset({"water"}), PASSKEY, "passkey")
    for realm, kind, owner, purposes in product(
        REALMS, CLASSES, ("", "water", "parks", "audit"), ((), ("billing",), ("billing", "care"))
    ):
        if realm == "open" and kind in {"open", "smart"}:
            continue
        for verb, purpose, lent in product(("read", "export", "subscribe"), ("", "billing"), ((), ("billing",))):
            label = Label(kind, owner, purposes=purposes)
            said = SHIPPED[realm].weigh(who, verb, label, realm=realm, purpose=purpose, lent=frozenset(lent))
            assert not said.allowed or role in POWERS, (realm, str(label), verb, purpose)


def test_whoever_reads_the_audit_is_appointed_by_two() -> None:
    text = Path(audit_door.__file__).read_text("utf-8")
    named = {role for role in ROLES if f'"{role}"' in text}
    assert {"auditor", "data_officer"} <= named
    assert named & set(PERSON_ROLES) <= POWERS


def test_what_sees_no_more_than_smart_information_is_no_power() -> None:
    assert set(PERSON_ROLES) - POWERS == {"resident", "operator", "engineer"}


def changed(realm: str, rule: str) -> dict[str, Policy]:
    text = shipped(realm) + f'\n@id("more")\n@reason("More.")\n{rule}\n'
    return SHIPPED | {realm: Policy(text, "1")}


@pytest.mark.parametrize(
    ("realm", "rule"),
    [
        ("open", 'permit (principal in Role::"operator", action == Action::"read", resource in Class::"personal");'),
        ("open", 'permit (principal in Role::"operator", action == Action::"export", resource in Class::"security");'),
        (
            "open",
            (
                'permit (principal in Role::"operator", action == Action::"subscribe", resource in Class::"personal")'
                ' when { resource.owner == "clinic" && context.purpose == "care" && principal.assurance >= 2 };'
            ),
        ),
        (
            "open",
            (
                'permit (principal in Role::"operator", action == Action::"read", resource in Class::"personal")'
                ' when { principal.departments.contains("clinic") && resource.purposes.contains("care") };'
            ),
        ),
        ("security", 'permit (principal in Role::"operator", action == Action::"read", resource in Class::"smart");'),
        (
            "open",
            (
                'permit (principal, action == Action::"read", resource in Class::"personal")'
                ' when { principal in Role::"operator" && principal in Role::"engineer" };'
            ),
        ),
    ],
)
def test_a_policy_that_shows_a_role_more_makes_a_power_of_it(realm: str, rule: str) -> None:
    assert powers(changed(realm, rule)) >= POWERS | {"operator"}


def test_a_policy_that_shows_a_role_smart_information_makes_no_power_of_it() -> None:
    rule = 'permit (principal in Role::"resident", action == Action::"read", resource in Class::"smart");'
    assert powers(changed("open", rule)) == POWERS


def test_a_policy_that_names_more_than_can_be_tried_leaves_nobody_without_a_power() -> None:
    words = " || ".join(f'resource.owner == "department-{n}"' for n in range(9))
    rule = (
        f'permit (principal in Role::"auditor", action == Action::"read", resource in Class::"smart") when {{{words}}};'
    )
    assert powers(changed("open", rule)) == set(PERSON_ROLES)


def test_a_service_sees_what_is_about_people_by_its_department_and_its_signature() -> None:
    assert not sees(SHIPPED, "service", ["service"], [])
    assert not sees(SHIPPED, "service", ["service", "operator", "member"], [])
    assert sees(SHIPPED, "service", ["service"], ["water"])
    assert not sees(SHIPPED, "service", ["service"], ["water"], SINGLE), "by a token it sees none"
    assert sees(SHIPPED, "service", ["service", "auditor"], [])
