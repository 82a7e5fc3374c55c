"""One organisation behind all twins: the same people and groups in every service."""

from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

from factory_tui.universe.ids import Ids

__all__ = ["DOMAIN", "ORGS", "Org", "Person", "org"]

DOMAIN: Final = "acme.example"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there; ``email`` is unique in the organisation."""

    first: str
    last: str
    email: str
    title: str
    department: str

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Org:
    """People in the order of the company's list, and groups: name to members' emails.

    The group ``everyone`` holds all people; the others do not overlap.
    """

    people: list[Person]
    groups: dict[str, list[str]]

    def person(self, email: str) -> Person:
        """The person with that email. Raises ``KeyError``."""
        for person in self.people:
            if person.email == email:
                return person
        raise KeyError(email)

    def member(self, group: str, n: int) -> Person:
        """The ``n``-th member of a group, from 1. Raises ``KeyError`` with a sentence."""
        members = self.groups.get(group)
        if members is None:
            raise KeyError(f'the organisation has no group "{group}"')
        if not 1 <= n <= len(members):
            raise KeyError(f'group "{group}" has {len(members)} members, there is no number {n}')
        return self.person(members[n - 1])

    def rotated(self, by: int) -> "Org":
        """The same organisation listed in another order."""
        return Org(
            _rotate(self.people, by),
            {name: _rotate(self.groups[name], by) for name in _rotate(list(self.groups), by)},
        )


_T = TypeVar("_T")


def _rotate(items: list[_T], by: int) -> list[_T]:
    by = by % len(items) if items else 0
    return items[by:] + items[:by]


ORGS: Final[dict[str, dict[str, int]]] = {
    "empty": {},
    "acme-12": {"everyone": 12, "eng-platform": 5, "eng-web": 3, "design": 2, "it": 2},
    "acme-300": {
        "everyone": 300,
        "eng-platform": 40,
        "eng-web": 30,
        "design": 12,
        "sales": 45,
        "support": 25,
        "it": 6,
        "finance": 15,
        "people-ops": 8,
    },
}
"""The known organisations: group name to size."""

_JOBS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "eng-platform": (
        "Engineering",
        ("Platform Engineer", "Staff Engineer", "Site Reliability Engineer"),
    ),
    "eng-web": ("Engineering", ("Web Engineer", "Frontend Engineer")),
    "design": ("Design", ("Product Designer", "Design Researcher")),
    "sales": ("Sales", ("Account Executive", "Sales Engineer", "Account Manager")),
    "support": ("Support", ("Support Specialist", "Support Engineer")),
    "it": ("IT", ("IT Administrator", "IT Support Engineer")),
    "finance": ("Finance", ("Accountant", "Financial Analyst", "Controller")),
    "people-ops": ("People", ("People Partner", "Recruiter")),
    "": ("Operations", ("Operations Specialist", "Logistics Coordinator", "Facilities Manager")),
}

_FIRST_NAMES: Final = """
Ada Amara Amir Anika Antoine Astrid Bao Beatriz Bjorn Camila Chen Clara Daisuke Dalia Davide
Elena Emeka Erik Fatima Felix Freya Gabriel Greta Hana Hassan Helena Ibrahim Ines Isak Jamal
Jana Joao Kaito Karim Katya Kofi Lars Leila Lena Linh Luca Magda Maja Marco Mei Miguel Mina
Nadia Nia Noah Noor Olga Omar Oskar Paula Pavel Petra Priya Rafael Rania Ravi Rosa Ruben Sakura
Samir Sara Selma Sofia Soren Tariq Teresa Theo Tomas Uma Vera Viktor Wanda Yara Yusuf Zainab Zoe
"""
_FIRST: Final = tuple(_FIRST_NAMES.split())

_LAST_NAMES: Final = """
Abara Adeyemi Almeida Andersson Bakker Banerjee Barros Becker Berg Bianchi Castro Chowdhury
Costa Dahl Delgado Diaz Dubois Eriksen Farah Fischer Fontaine Garcia Gupta Haas Haddad Hansen
Hoang Ito Ivanova Jansen Jensen Kaya Keller Khan Kim Kowalski Kruger Larsen Lindqvist Lopez
Mancini Mbeki Mendes Mori Moreau Nakamura Navarro Nguyen Novak Okafor Okoye Olsen Osei Park
Pereira Petrov Popescu Rahman Ramos Reyes Ricci Rossi Sato Schmidt Silva Singh Sokolov Suzuki
Takeda Tanaka Toure Vargas Vasquez Virtanen Wagner Weber Yamada Zhang Ziegler
"""
_LAST: Final = tuple(_LAST_NAMES.split())


@cache
def org(name: str, salt: int = 0) -> Org:
    """The organisation called ``name``; another ``salt`` gives its people other names.

    Raises ``KeyError`` with a sentence for an unknown name.
    """
    sizes = ORGS.get(name)
    if sizes is None:
        raise KeyError(f'there is no organisation "{name}"; there are {", ".join(ORGS)}')
    ids = Ids(f"people/{salt}")
    total = sizes.get("everyone", 0)
    teams = [team for team, size in sizes.items() if team != "everyone" for _ in range(size)]
    teams += [""] * (total - len(teams))
    people: list[Person] = []
    groups: dict[str, list[str]] = {group: [] for group in sizes}
    taken: set[tuple[str, str]] = set()
    for team in teams:
        full = _name(ids)
        while full in taken:
            full = _name(ids)
        taken.add(full)
        department, titles = _JOBS[team]
        email = f"{full[0]}.{full[1]}@{DOMAIN}".lower()
        title = titles[ids.below("title", len(titles))]
        people.append(Person(full[0], full[1], email, title, department))
        groups["everyone"].append(email)
        if team:
            groups[team].append(email)
    return Org(people, groups)


def _name(ids: Ids) -> tuple[str, str]:
    return _FIRST[ids.below("first", len(_FIRST))], _LAST[ids.below("last", len(_LAST))]
