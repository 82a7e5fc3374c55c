"""One organisation behind all twins: the same people and groups in every service."""

from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Final, Literal, TypeVar

from factory_tui.universe.ids import Ids

__all__ = ["DOMAIN", "ORGS", "Org", "Person", "Standing", "org"]

DOMAIN: Final = "acme.example"
Standing = Literal["active", "invited", "suspended", "left"]
"""Works there, has not accepted the invitation yet, is locked out for now, is gone."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there; ``email`` is unique in the organisation.

    ``manager`` is the email of a person who is active, "" at the top. It, ``office`` and
    ``number`` (of the employee, from 1) are told only in organisations that are drawn in full:
    ``startup-2`` and ``acme-5000``. Elsewhere everybody is active.
    """

    first: str
    last: str
    email: str
    title: str
    department: str
    manager: str = ""
    office: str = ""
    number: int = 0
    standing: Standing = "active"

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True)
class Org:
    """People in the order of the company's list, and groups: name to members' emails.

    The group ``everyone`` holds all people; the others do not overlap. ``circles`` are groups
    that cut across them: managers, the people of an office.
    """

    people: list[Person]
    groups: dict[str, list[str]]
    circles: dict[str, list[str]] = field(default_factory=dict)

    def person(self, email: str) -> Person:
        """The person with that email. Raises ``KeyError``."""
        return self._by_email[email]

    @cached_property
    def _by_email(self) -> dict[str, Person]:
        return {person.email: person for person in self.people}

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
            {name: _rotate(self.circles[name], by) for name in _rotate(list(self.circles), by)},
        )


_T = TypeVar("_T")


def _rotate(items: list[_T], by: int) -> list[_T]:
    by = by % len(items) if items else 0
    return items[by:] + items[:by]


ORGS: Final[dict[str, dict[str, int]]] = {
    "empty": {},
    "startup-2": {"everyone": 2, "eng-web": 1, "design": 1},
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
    "acme-5000": {
        "everyone": 5000,
        "leadership": 12,
        "eng-platform": 260,
        "eng-web": 240,
        "eng-mobile": 180,
        "eng-data": 170,
        "eng-security": 70,
        "eng-quality": 120,
        "eng-infrastructure": 130,
        "product": 110,
        "design": 90,
        "research": 60,
        "sales": 420,
        "sales-emea": 260,
        "sales-apac": 190,
        "solutions": 150,
        "partners": 60,
        "marketing": 180,
        "customer-success": 240,
        "support": 380,
        "professional-services": 210,
        "it": 45,
        "it-security": 35,
        "finance": 130,
        "procurement": 40,
        "legal": 45,
        "compliance": 30,
        "people-ops": 95,
        "recruiting": 70,
        "facilities": 65,
        "logistics": 310,
        "manufacturing": 420,
        "contractors": 150,
    },
}
"""The known organisations: group name to size."""

_IN_FULL: Final = frozenset({"startup-2", "acme-5000"})
_OFFICES: Final = (
    "Austin",
    "Austin",
    "Austin",
    "Berlin",
    "Berlin",
    "Lisbon",
    "Nairobi",
    "Singapore",
    "Toronto",
)
_STANDINGS: Final[tuple[tuple[int, Standing], ...]] = (
    (3, "left"),
    (4, "suspended"),
    (6, "invited"),
)
"""Percentages, running: three of a hundred have left, one is suspended, two are invited."""
_SPAN: Final = 9
"""How many people report to one manager at most, not counting other managers."""

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
    "leadership": (
        "Executive",
        ("Vice President", "Chief of Staff", "Senior Vice President", "Executive Assistant"),
    ),
    "eng-mobile": ("Engineering", ("iOS Engineer", "Android Engineer", "Mobile Engineer")),
    "eng-data": ("Engineering", ("Data Engineer", "Analytics Engineer", "Data Scientist")),
    "eng-security": ("Engineering", ("Security Engineer", "Application Security Engineer")),
    "eng-quality": ("Engineering", ("Test Engineer", "Quality Engineer")),
    "eng-infrastructure": ("Engineering", ("Infrastructure Engineer", "Network Engineer")),
    "product": ("Product", ("Product Manager", "Senior Product Manager", "Product Analyst")),
    "research": ("Product", ("User Researcher", "Research Scientist")),
    "sales-emea": ("Sales", ("Account Executive", "Sales Development Representative")),
    "sales-apac": ("Sales", ("Account Executive", "Sales Development Representative")),
    "solutions": ("Sales", ("Solutions Architect", "Solutions Engineer")),
    "partners": ("Sales", ("Partner Manager", "Alliances Manager")),
    "marketing": ("Marketing", ("Product Marketer", "Content Strategist", "Campaign Manager")),
    "customer-success": ("Customer Success", ("Customer Success Manager", "Renewals Manager")),
    "professional-services": ("Customer Success", ("Consultant", "Implementation Manager")),
    "it-security": ("IT", ("Security Analyst", "Identity Engineer")),
    "procurement": ("Finance", ("Buyer", "Procurement Manager")),
    "legal": ("Legal", ("Counsel", "Paralegal")),
    "compliance": ("Legal", ("Compliance Analyst", "Privacy Officer")),
    "recruiting": ("People", ("Recruiter", "Sourcer")),
    "facilities": ("Operations", ("Facilities Manager", "Workplace Coordinator")),
    "logistics": ("Operations", ("Logistics Coordinator", "Warehouse Associate")),
    "manufacturing": ("Manufacturing", ("Production Operator", "Process Engineer")),
    "contractors": ("Contractors", ("Contractor",)),
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
    if name in _IN_FULL:
        return _in_full(people, groups, teams, ids)
    return Org(people, groups)


def _in_full(people: list[Person], groups: dict[str, list[str]], teams: list[str], ids: Ids) -> Org:
    """The same people with managers, offices and numbers, some of them not active.

    The first person leads the company, the first of a department the department, the first of a
    team the team. In a team everybody after that reports to the manager of their nine.
    """
    head: dict[str, str] = {}
    lead: dict[str, str] = {}
    manager = ""
    size: dict[str, int] = {}
    circles: dict[str, list[str]] = {"managers": []}
    found: list[Person] = []
    for n, (person, team) in enumerate(zip(people, teams, strict=True), 1):
        place = size[team] = size.get(team, 0) + 1
        above = not head or person.department not in head or team not in lead
        managing = above or (place % (_SPAN + 1) == 1 and team != "leadership")
        title = person.title
        if not head:
            boss, title = "", "Chief Executive Officer"
        elif person.department not in head:
            boss, title = people[0].email, f"Head of {person.department}"
        elif team not in lead:
            boss, title = head[person.department], f"Lead {person.title}"
        elif managing:
            boss, title = lead[team], f"{person.title}, Team Lead"
        else:
            boss = manager
        head.setdefault(person.department, person.email)
        lead.setdefault(team, person.email)
        if managing:
            manager = person.email
            circles["managers"].append(person.email)
        standing: Standing = "active"
        if not managing and len(people) > _SPAN:
            drawn = ids.below("standing", 100)
            standing = next((name for below, name in _STANDINGS if drawn < below), "active")
        office = _OFFICES[ids.below("office", len(_OFFICES))] if len(people) > _SPAN else "Austin"
        circles.setdefault(f"office-{office.lower()}", []).append(person.email)
        found.append(
            replace(person, title=title, manager=boss, office=office, number=n, standing=standing)
        )
    return Org(found, groups, circles)


def _name(ids: Ids) -> tuple[str, str]:
    return _FIRST[ids.below("first", len(_FIRST))], _LAST[ids.below("last", len(_LAST))]
