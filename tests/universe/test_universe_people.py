"""The organisations that are drawn in full: reporting lines, offices, people who are not active."""

from collections import Counter

import pytest

from factory_tui.universe import org


@pytest.mark.parametrize("name", ["startup-2", "acme-5000"])
def test_everybody_reports_to_the_one_at_the_top(name: str) -> None:
    company = org(name)
    top = [person for person in company.people if not person.manager]
    assert top == [company.people[0]]
    for person in company.people:
        seen = {person.email}
        while person.manager:
            person = company.person(person.manager)
            assert person.standing == "active"
            assert person.email not in seen
            seen.add(person.email)
        assert person == top[0]
    assert set(company.circles["managers"]) >= {p.manager for p in company.people if p.manager}
    assert [person.number for person in company.people] == [*range(1, len(company.people) + 1)]


def test_a_large_organisation_has_people_of_every_standing_and_circles_across_teams() -> None:
    company = org("acme-5000")
    standings = Counter(person.standing for person in company.people)
    assert set(standings) == {"active", "invited", "suspended", "left"}
    assert standings["active"] > 4500
    offices = {name: people for name, people in company.circles.items() if name != "managers"}
    assert sum(map(len, offices.values())) == 5000
    for name, people in offices.items():
        assert {company.person(email).office.lower() for email in people} == {
            name.removeprefix("office-")
        }
    turned = company.rotated(17)
    assert turned.person(turned.people[0].email) == company.people[17]
    assert {k: set(v) for k, v in turned.circles.items()} == {
        k: set(v) for k, v in company.circles.items()
    }


def test_organisations_that_recordings_know_stay_as_they_were() -> None:
    first = org("acme-12").people[0]
    assert (first.manager, first.office, first.number, first.standing) == ("", "", 0, "active")
    assert org("acme-300").circles == {}
