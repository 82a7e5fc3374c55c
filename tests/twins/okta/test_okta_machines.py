"""Random sequences of lifecycle calls against independent models of what Okta allows.

The edges are declared here as data, from Okta's descriptions of the operations, and share nothing
with the twin's own table.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS

from .conftest import Okta
from .samples import GOOD

SETTINGS = settings(
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
PASSWORDS = st.sampled_from(["Abcd1234x", "Bcde2345y", "Cdef3456z"])
GONE = "gone"
BY_PASSWORD = "ACTIVE with a password, else PROVISIONED"
SAME = "as before"

# operation: (the statuses it may be taken from, the status after it, the refusal elsewhere)
EDGES: dict[str, tuple[set[str], str, tuple[int, str]]] = {
    "activate": ({"STAGED", "DEPROVISIONED"}, BY_PASSWORD, (403, "E0000016")),
    "reactivate": ({"PROVISIONED", "RECOVERY"}, "PROVISIONED", (403, "E0000038")),
    "deactivate": (
        {
            "STAGED",
            "PROVISIONED",
            "ACTIVE",
            "RECOVERY",
            "PASSWORD_EXPIRED",
            "LOCKED_OUT",
            "SUSPENDED",
        },
        "DEPROVISIONED",
        (404, "E0000007"),
    ),
    "suspend": ({"ACTIVE"}, "SUSPENDED", (400, "E0000001")),
    "unsuspend": ({"SUSPENDED"}, "ACTIVE", (400, "E0000001")),
    "unlock": ({"LOCKED_OUT"}, "ACTIVE", (403, "E0000032")),
    "expire_password": (
        {"STAGED", "PROVISIONED", "ACTIVE", "LOCKED_OUT", "RECOVERY", "PASSWORD_EXPIRED"},
        "PASSWORD_EXPIRED",
        (403, "E0000038"),
    ),
    "expire_password_with_temp_password": (
        {"STAGED", "PROVISIONED", "ACTIVE", "LOCKED_OUT", "RECOVERY", "PASSWORD_EXPIRED"},
        "PASSWORD_EXPIRED",
        (403, "E0000038"),
    ),
    "reset_password": (
        {"PROVISIONED", "ACTIVE", "LOCKED_OUT", "RECOVERY", "PASSWORD_EXPIRED"},
        "RECOVERY",
        (403, "E0000038"),
    ),
}


def fresh() -> Okta:
    return Okta(Universe(load_packs(TWINS, ["okta"]), seeds={"okta": "empty"}, debug=True))


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status, answer.data()["errorCode"]) == (status, code), answer.body


class Users(RuleBasedStateMachine):
    """People through every lifecycle and credential operation."""

    users = Bundle("users")

    @initialize()
    def start(self) -> None:
        self.okta = fresh()
        self.status: dict[str, str] = {}
        self.password: dict[str, str] = {}
        self.count = 0

    @rule(
        target=users, activate=st.booleans(), password=st.none() | PASSWORDS, expire=st.booleans()
    )
    def create(self, activate: bool, password: str | None, expire: bool) -> str:
        self.count += 1
        name = f"u{self.count}@test.example"
        profile = {"firstName": "A", "lastName": "B", "login": name, "email": name}
        body: dict[str, Any] = {"profile": profile}
        if password:
            body["credentials"] = {"password": {"value": password}}
        query = f"activate={str(activate).lower()}" + "&nextLogin=changePassword" * expire
        answer = self.okta(f"POST /api/v1/users?{query}", body)
        assert answer.status == 200
        key = str(answer.data()["id"])
        active = "ACTIVE" if password else "PROVISIONED"
        if password and expire:
            active = "PASSWORD_EXPIRED"
        self.status[key] = active if activate else "STAGED"
        self.password[key] = password or ""
        return key

    @rule(user=users, operation=st.sampled_from(sorted(EDGES)), mail=st.booleans())
    def operate(self, user: str, operation: str, mail: bool) -> None:
        path = f"/api/v1/users/{user}/lifecycle/{operation}?sendEmail={str(mail).lower()}"
        answer = self.okta(f"POST {path}")
        sources, target, refusal = EDGES[operation]
        before = self.status[user]
        if before == GONE:
            return refused(answer, 404, "E0000007")
        if before not in sources:
            return refused(answer, *refusal)
        assert answer.status == 200, answer.body
        if target == BY_PASSWORD:
            target = "ACTIVE" if self.password[user] else "PROVISIONED"
        self.status[user] = target
        if operation == "deactivate":
            self.password[user] = ""
        if operation == "expire_password_with_temp_password":
            self.password[user] = answer.data()["tempPassword"]
        return None

    @rule(user=users, password=PASSWORDS)
    def set_password(self, user: str, password: str) -> None:
        body = {"credentials": {"password": {"value": password}}}
        answer = self.okta(f"POST /api/v1/users/{user}", body)
        if self.status[user] in (GONE, "DEPROVISIONED"):
            return refused(answer, 404, "E0000007")
        assert answer.status == 200
        self.password[user] = password
        if self.status[user] in ("PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED"):
            self.status[user] = "ACTIVE"
        return None

    @rule(user=users, old=PASSWORDS, new=PASSWORDS)
    def change_password(self, user: str, old: str, new: str) -> None:
        body = {"oldPassword": {"value": old}, "newPassword": {"value": new}}
        answer = self.okta(f"POST /api/v1/users/{user}/credentials/change_password", body)
        if self.status[user] in (GONE, "DEPROVISIONED"):
            return refused(answer, 404, "E0000007")
        if old != self.password[user]:
            return refused(answer, 403, "E0000014")
        assert answer.status == 200
        self.password[user] = new
        if self.status[user] in ("PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"):
            self.status[user] = "ACTIVE"
        return None

    @rule(user=users, password=PASSWORDS)
    def sign_in(self, user: str, password: str) -> None:
        if self.status[user] == GONE:
            return
        login = self.okta(f"GET /api/v1/users/{user}").data()["profile"]["login"]
        body = {"username": login, "password": password}
        answer = self.okta("POST /api/v1/authn", body, authorization="")
        if self.status[user] == "LOCKED_OUT":
            assert answer.data()["status"] == "LOCKED_OUT"
        elif password != self.password[user]:
            # Nine more, so that what follows starts from a known count.
            refused(answer, 401, "E0000004")
            for _ in range(9):
                answer = self.okta("POST /api/v1/authn", body, authorization="")
            if self.status[user] == "ACTIVE" and self.password[user]:
                self.status[user] = "LOCKED_OUT"
        elif self.status[user] == "ACTIVE":
            assert answer.data()["status"] == "SUCCESS"
        elif self.status[user] in ("PASSWORD_EXPIRED", "RECOVERY"):
            assert answer.data()["status"] == "PASSWORD_EXPIRED"
        else:
            refused(answer, 401, "E0000004")

    @rule(user=users)
    def delete(self, user: str) -> None:
        answer = self.okta(f"DELETE /api/v1/users/{user}")
        if self.status[user] == GONE:
            return refused(answer, 404, "E0000007")
        assert answer.status == 204
        deprovisioned = self.status[user] == "DEPROVISIONED"
        self.status[user] = GONE if deprovisioned else "DEPROVISIONED"
        self.password[user] = ""
        return None

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "okta"):
            return
        assert self.okta.universe.crashes == []
        everybody = self.okta("GET /api/v1/users?search=id+pr").data()
        found = {user["id"]: user for user in everybody if user["profile"]["firstName"] == "A"}
        alive = {key: status for key, status in self.status.items() if status != GONE}
        assert {key: user["status"] for key, user in found.items()} == alive
        for key, user in found.items():
            assert ("password" in user["credentials"]) == bool(self.password[key])
        listed = {user["id"] for user in self.okta("GET /api/v1/users").data()}
        assert listed & set(alive) == {k for k, v in alive.items() if v != "DEPROVISIONED"}


REACH: dict[str, list[str]] = {
    "STAGED": [],
    "ACTIVE": ["activate"],
    "SUSPENDED": ["activate", "suspend"],
    "PASSWORD_EXPIRED": ["activate", "expire_password"],
    "RECOVERY": ["activate", "reset_password"],
    "LOCKED_OUT": ["activate", "lock"],
    "DEPROVISIONED": ["activate", "deactivate"],
    "PROVISIONED": ["activate", "deactivate", "activate"],
}
"""How a staged user with a password comes to each status."""


@pytest.mark.parametrize("operation", sorted(EDGES))
@pytest.mark.parametrize("status", sorted(REACH))
def test_every_operation_from_every_status(okta: Okta, status: str, operation: str) -> None:
    user = okta.user("ada", activate=False)
    for step in REACH[status]:
        if step == "lock":
            body = {"username": "ada@test.example", "password": "wrong"}
            for _ in range(10):
                okta("POST /api/v1/authn", body, authorization="")
        else:
            assert okta(f"POST /api/v1/users/{user}/lifecycle/{step}").status == 200
    assert okta.status(user) == status
    sources, target, refusal = EDGES[operation]
    answer = okta(f"POST /api/v1/users/{user}/lifecycle/{operation}")
    if status not in sources:
        refused(answer, *refusal)
        assert okta.status(user) == status
        return
    assert answer.status == 200
    if target == BY_PASSWORD:
        target = "ACTIVE" if status == "STAGED" else "PROVISIONED"
    assert okta.status(user) == target
    assert okta("GET /api/v1/users/ada").data()["statusChanged"] is not None


# kind: (path, status of the answer to a lifecycle call, refusal to delete what is active)
KINDS: dict[str, tuple[str, int, tuple[int, str] | None]] = {
    "app": ("/api/v1/apps", 200, (403, "E0000056")),
    "event hook": ("/api/v1/eventHooks", 200, (400, "E0000001")),
    "inline hook": ("/api/v1/inlineHooks", 200, (400, "E0000001")),
    "policy": ("/api/v1/policies", 204, None),
    "zone": ("/api/v1/zones", 200, (400, "E0000001")),
    "authorization server": ("/api/v1/authorizationServers", 204, None),
    "identity provider": ("/api/v1/idps", 200, (400, "E0000001")),
}


class Objects(RuleBasedStateMachine):
    """Everything else that is activated, deactivated and deleted."""

    objects = Bundle("objects")

    @initialize()
    def start(self) -> None:
        self.okta = fresh()
        self.status: dict[tuple[str, str], str] = {}
        self.count = 0

    @rule(target=objects, kind=st.sampled_from(sorted(KINDS)))
    def create(self, kind: str) -> tuple[str, str]:
        path = KINDS[kind][0]
        self.count += 1
        name = "label" if kind == "app" else "name"
        answer = self.okta(f"POST {path}", {**GOOD[path], name: f"Number {self.count}"})
        assert answer.status in (200, 201), answer.body
        made = kind, str(answer.data()["id"])
        self.status[made] = "ACTIVE"
        return made

    @rule(one=objects, operation=st.sampled_from(["activate", "deactivate"]))
    def turn(self, one: tuple[str, str], operation: str) -> None:
        path, status, _ = KINDS[one[0]]
        answer = self.okta(f"POST {path}/{one[1]}/lifecycle/{operation}")
        if self.status[one] == GONE:
            return refused(answer, 404, "E0000007")
        assert answer.status == status
        self.status[one] = "ACTIVE" if operation == "activate" else "INACTIVE"
        return None

    @rule(one=objects)
    def delete(self, one: tuple[str, str]) -> None:
        path, _, refusal = KINDS[one[0]]
        answer = self.okta(f"DELETE {path}/{one[1]}")
        if self.status[one] == GONE:
            return refused(answer, 404, "E0000007")
        if refusal is not None and self.status[one] == "ACTIVE":
            return refused(answer, *refusal)
        assert answer.status == 204
        self.status[one] = GONE
        return None

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "okta"):
            return
        assert self.okta.universe.crashes == []
        for kind, (path, _, _) in KINDS.items():
            query = "?type=OKTA_SIGN_ON" if kind == "policy" else "?limit=100"
            listed = self.okta(f"GET {path}{query}").data()
            found = {row["id"]: row["status"] for row in listed}
            for (one, key), status in self.status.items():
                if one == kind:
                    assert found.get(key, GONE) == status, (kind, key)


class GroupRules(RuleBasedStateMachine):
    """Rules, departments and groups: who is in a group, and why."""

    people = Bundle("people")
    made = Bundle("made")

    @initialize(target=made)
    def start(self) -> Any:
        self.okta = fresh()
        self.department: dict[str, str] = {}
        self.active: dict[str, bool] = {}
        self.wants: dict[str, str] = {}
        self.member: dict[str, str] = {}
        group = self.okta("POST /api/v1/groups", {"profile": {"name": "G"}}).data()["id"]
        self.group = str(group)
        keys = []
        for name in ("Eng", "Ops"):
            body = self.body(name)
            key = str(self.okta("POST /api/v1/groups/rules", body).data()["id"])
            self.active[key], self.wants[key] = False, name
            keys.append(key)
        return multiple(*keys)

    def body(self, name: str) -> dict[str, Any]:
        expression = {"value": f'user.department=="{name}"', "type": "urn:okta:expression:1.0"}
        return {
            "type": "group_rule",
            "name": f"{name} {len(self.active)}",
            "conditions": {"expression": expression},
            "actions": {"assignUserToGroups": {"groupIds": [self.group]}},
        }

    def look(self, user: str) -> None:
        """What the active rules make of a user, in the order in which the rules are."""
        for key, active in self.active.items():
            hit = self.department[user] == self.wants[key]
            if active and hit:
                self.member.setdefault(user, key)
            elif active and self.member.get(user) == key:
                del self.member[user]

    @rule(target=people, department=st.sampled_from(["Eng", "Ops", "Law"]))
    def hire(self, department: str) -> str:
        key = self.okta.user(f"p{len(self.department)}")
        self.department[key] = ""
        self.move(key, department)
        return key

    @rule(user=people, department=st.sampled_from(["Eng", "Ops", "Law"]))
    def move(self, user: str, department: str) -> None:
        answer = self.okta(f"POST /api/v1/users/{user}", {"profile": {"department": department}})
        assert answer.status == 200
        self.department[user] = department
        self.look(user)

    @rule(key=made, on=st.booleans())
    def turn(self, key: str, on: bool) -> None:
        word = "activate" if on else "deactivate"
        answer = self.okta(f"POST /api/v1/groups/rules/{key}/lifecycle/{word}")
        if key not in self.active:
            return refused(answer, 404, "E0000007")
        assert answer.status == 204
        self.active[key] = on
        for user, department in self.department.items():
            if on and department == self.wants[key]:
                self.member.setdefault(user, key)
            elif on and self.member.get(user) == key:
                del self.member[user]
        return None

    @rule(key=consumes(made), remove=st.booleans())
    def delete(self, key: str, remove: bool) -> None:
        path = f"/api/v1/groups/rules/{key}?removeUsers={str(remove).lower()}"
        assert self.okta(f"DELETE {path}").status == 202
        del self.active[key]
        if remove:
            self.member = {user: why for user, why in self.member.items() if why != key}

    @rule(user=people)
    def join_by_hand(self, user: str) -> None:
        assert self.okta(f"PUT /api/v1/groups/{self.group}/users/{user}").status == 204
        self.member.setdefault(user, "")

    @rule(user=people)
    def leave_by_hand(self, user: str) -> None:
        assert self.okta(f"DELETE /api/v1/groups/{self.group}/users/{user}").status == 204
        self.member.pop(user, None)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "okta"):
            return
        assert self.okta.universe.crashes == []
        listed = self.okta(f"GET /api/v1/groups/{self.group}/users").data()
        assert {user["id"] for user in listed} == set(self.member)
        counts = Counter(row["status"] for row in self.okta("GET /api/v1/groups/rules").data())
        assert counts["ACTIVE"] == sum(self.active.values())


@pytest.mark.parametrize("machine", [Users, Objects, GroupRules], ids=lambda m: m.__name__)
def test_machines(machine: type[RuleBasedStateMachine]) -> None:
    few = settings(SETTINGS, max_examples=12 if machine is Objects else 25)
    run_state_machine_as_test(machine, settings=few)
