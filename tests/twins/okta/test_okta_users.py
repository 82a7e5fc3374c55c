"""Users and their life, against what Okta's descriptions and recordings say."""

import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROFILE = {"firstName": "Ada", "lastName": "Byron", "login": "a@b.co", "email": "a@b.co"}


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def test_a_created_user_looks_like_a_recorded_one(okta: Any) -> None:
    body = {"profile": PROFILE, "credentials": {"password": {"value": "Abcd1234"}}}
    answer = okta("POST /api/v1/users?activate=true", body)
    user = answer.data()
    assert answer.status == 200
    assert list(user) == [
        "id", "status", "created", "activated", "statusChanged", "lastLogin", "lastUpdated",
        "passwordChanged", "type", "profile", "credentials", "_links",
    ]  # fmt: skip
    assert user["id"].startswith("00u")
    assert len(user["id"]) == 20
    assert user["profile"] == {
        "firstName": "Ada",
        "lastName": "Byron",
        "mobilePhone": None,
        "secondEmail": None,
        "login": "a@b.co",
        "email": "a@b.co",
    }
    assert user["credentials"] == {
        "password": {},
        "emails": [{"value": "a@b.co", "status": "VERIFIED", "type": "PRIMARY"}],
        "provider": {"type": "OKTA", "name": "OKTA"},
    }
    assert set(user["_links"]) == {
        "suspend", "schema", "resetPassword", "expirePassword", "changeRecoveryQuestion",
        "self", "type", "changePassword", "deactivate",
    }  # fmt: skip
    assert user["_links"]["suspend"] == {
        "href": f"http://twin.test/api/v1/users/{user['id']}/lifecycle/suspend",
        "method": "POST",
    }
    assert b"Abcd1234" not in answer.body


@pytest.mark.parametrize(
    ("activate", "password", "more", "status"),
    [
        (True, "Abcd1234x", "", "ACTIVE"),
        (True, "", "", "PROVISIONED"),
        (False, "Abcd1234x", "", "STAGED"),
        (False, "", "", "STAGED"),
        (True, "Abcd1234x", "&nextLogin=changePassword", "PASSWORD_EXPIRED"),
    ],
)
def test_the_status_after_creation(
    okta: Any, activate: bool, password: str, more: str, status: str
) -> None:
    body: dict[str, Any] = {"profile": PROFILE}
    if password:
        body["credentials"] = {"password": {"value": password}}
    answer = okta(f"POST /api/v1/users?activate={str(activate).lower()}{more}", body)
    assert answer.data()["status"] == status
    assert (answer.data()["activated"] is None) is not activate


@pytest.mark.parametrize(
    ("change", "field", "cause"),
    [
        ({"login": None}, "login", "login: The field cannot be left blank"),
        ({"firstName": " "}, "firstName", "firstName: The field cannot be left blank"),
        ({"login": "ada"}, "login", "login: Username must be in the form of an email address"),
        ({"email": "x@"}, "email", "email: Does not match required pattern"),
        ({"secondEmail": "x"}, "secondEmail", "secondEmail: Does not match required pattern"),
        ({"lastName": "x" * 51}, "lastName", "lastName: String is too long; the longest is 50"),
        ({"shoeSize": "44"}, "shoeSize", "Property name 'shoeSize' is not defined in profile"),
        ({"title": 7}, "title", "title: The field has an invalid value"),
    ],
)
def test_profiles_that_okta_refuses(okta: Any, change: Any, field: str, cause: str) -> None:
    answer = okta("POST /api/v1/users", {"profile": PROFILE | change})
    assert code(answer) == (400, "E0000001")
    assert answer.data()["errorSummary"] == f"Api validation failed: {field}"
    assert {"errorSummary": cause} in answer.data()["errorCauses"]
    assert okta("GET /api/v1/users/a@b.co").status == 404


def test_logins_are_unique_without_regard_to_case(okta: Any) -> None:
    okta.user("ada")
    taken = {**PROFILE, "login": "ADA@test.example"}
    answer = okta("POST /api/v1/users", {"profile": taken})
    assert code(answer) == (400, "E0000001")
    assert answer.data()["errorCauses"] == [
        {
            "errorSummary": "login: An object with this field already exists in the current "
            "organization"
        }
    ]
    other = okta.user("bob")
    assert (
        okta(f"POST /api/v1/users/{other}", {"profile": {"login": "Ada@Test.example"}}).status
        == 400
    )
    assert (
        okta(f"POST /api/v1/users/{other}", {"profile": {"login": "BOB@test.example"}}).status
        == 200
    )


@pytest.mark.parametrize("weak", ["Ab1", "abcd1234", "ABCD1234", "Abcdefgh", "Ada1234x", 12345678])
def test_weak_passwords_are_refused(okta: Any, weak: Any) -> None:
    profile = {**PROFILE, "login": "ada.1234@b.co"}
    answer = okta(
        "POST /api/v1/users", {"profile": profile, "credentials": {"password": {"value": weak}}}
    )
    assert code(answer) == (400, "E0000001")
    assert answer.data()["errorSummary"] == "Api validation failed: password"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"profile": []}'])
def test_malformed_bodies(okta: Any, body: bytes) -> None:
    assert code(okta("POST /api/v1/users", body)) == (400, "E0000003")


def test_users_are_found_by_id_login_shortname_and_me(okta: Any) -> None:
    key = okta.user("ada")
    for name in (key, "ada@test.example", "ADA@TEST.EXAMPLE", "ada", "ada%40test.example"):
        assert okta(f"GET /api/v1/users/{name}").data()["id"] == key
    me = okta("GET /api/v1/users/me").data()
    assert okta.universe.tap[-1].principal == me["profile"]["login"]
    missing = okta("GET /api/v1/users/nobody")
    assert code(missing) == (404, "E0000007")
    assert missing.data()["errorSummary"] == "Not found: Resource not found: nobody (User)"
    okta("POST /api/v1/users", {"profile": {**PROFILE, "login": "ada@other.example"}})
    assert okta("GET /api/v1/users/ada").status == 404


def test_post_changes_what_is_named_and_put_replaces(okta: Any) -> None:
    key = okta.user("ada")
    okta.universe.clock.advance(60)
    user = okta(f"POST /api/v1/users/{key}", {"profile": {"nickName": "AB"}}).data()
    assert user["profile"]["nickName"] == "AB"
    assert user["profile"]["firstName"] == "Ada"
    assert user["lastUpdated"] > user["created"]
    replaced = okta(f"PUT /api/v1/users/{key}", {"profile": PROFILE}).data()
    assert "nickName" not in replaced["profile"]
    assert replaced["profile"]["login"] == "a@b.co"
    assert okta("GET /api/v1/users/ada@test.example").status == 404
    assert code(okta(f"PUT /api/v1/users/{key}", {"profile": {"firstName": "X"}})) == (
        400,
        "E0000001",
    )
    assert code(okta(f"PUT /api/v1/users/{key}", {})) == (400, "E0000001")


def test_users_are_deleted_in_two_steps(okta: Any) -> None:
    key = okta.user("ada")
    assert okta(f"DELETE /api/v1/users/{key}").status == 204
    assert okta.status(key) == "DEPROVISIONED"
    assert okta(f"DELETE /api/v1/users/{key}").status == 204
    assert okta(f"GET /api/v1/users/{key}").status == 404
    assert okta(f"DELETE /api/v1/users/{key}").status == 404
    assert all(key not in m for m in [g["members"] for g in okta.universe.view("okta")["groups"]])


def test_deactivated_users_stay_in_their_groups_and_leave_the_list(okta: Any) -> None:
    key = okta.user("ada")
    group = okta("POST /api/v1/groups", {"profile": {"name": "crew"}}).data()["id"]
    okta(f"PUT /api/v1/groups/{group}/users/{key}")
    okta(f"POST /api/v1/users/{key}/lifecycle/deactivate")
    listed = [user["id"] for page in okta.pages("/api/v1/users") for user in page]
    assert key not in listed
    members = okta(f"GET /api/v1/groups/{group}/users").data()
    assert [(user["id"], user["status"]) for user in members] == [(key, "DEPROVISIONED")]
    assert okta("GET /api/v1/users?q=ada").data() == []
    gone = okta("GET /api/v1/users?filter=status+eq+%22DEPROVISIONED%22").data()
    assert [user["id"] for user in gone] == [key]
    assert code(okta(f"POST /api/v1/users/{key}", {"profile": {"title": "x"}})) == (
        404,
        "E0000007",
    )


ILLEGAL = {
    "activate": (403, "E0000016"),
    "reactivate": (403, "E0000038"),
    "deactivate": (404, "E0000007"),
    "suspend": (400, "E0000001"),
    "unsuspend": (400, "E0000001"),
    "unlock": (403, "E0000032"),
    "expire_password": (403, "E0000038"),
    "reset_password": (403, "E0000038"),
}
LEGAL = {
    ("STAGED", "activate"): "ACTIVE",
    ("DEPROVISIONED", "activate"): "PROVISIONED",
    ("PROVISIONED", "reactivate"): "PROVISIONED",
    ("RECOVERY", "reactivate"): "PROVISIONED",
    ("ACTIVE", "suspend"): "SUSPENDED",
    ("SUSPENDED", "unsuspend"): "ACTIVE",
    ("LOCKED_OUT", "unlock"): "ACTIVE",
    **{
        (status, "deactivate"): "DEPROVISIONED"
        for status in (
            "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT",
            "SUSPENDED",
        )
    },
    **{
        (status, "expire_password"): "PASSWORD_EXPIRED"
        for status in (
            "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT",
        )
    },
    **{
        (status, "reset_password"): "RECOVERY"
        for status in ("PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT")
    },
}  # fmt: skip
STATUSES = (
    "STAGED", "PROVISIONED", "ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT",
    "SUSPENDED", "DEPROVISIONED",
)  # fmt: skip


@pytest.mark.parametrize("edge", list(ILLEGAL))
@pytest.mark.parametrize("status", STATUSES)
def test_every_edge_of_the_lifecycle(okta: Any, status: str, edge: str) -> None:
    okta.universe.apply("okta", "add_users", [{"first": "Eve", "last": "Edge", "status": status}])
    key = okta("GET /api/v1/users/eve.edge").data()["id"]
    before = okta(f"GET /api/v1/users/{key}").data()
    if status == "STAGED":
        okta(f"POST /api/v1/users/{key}", {"credentials": {"password": {"value": "Abcd1234x"}}})
    answer = okta(f"POST /api/v1/users/{key}/lifecycle/{edge}")
    target = LEGAL.get((status, edge))
    if target is None:
        assert code(answer) == ILLEGAL[edge]
        assert okta.status(key) == status
        assert okta(f"GET /api/v1/users/{key}").data()["statusChanged"] == before["statusChanged"]
    else:
        assert answer.status == 200, answer.body
        assert okta.status(key) == target
        event = okta("GET /api/v1/logs?sortOrder=DESCENDING&limit=1").data()[0]
        assert event["target"][0]["id"] == key


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(list(ILLEGAL)), max_size=15), st.booleans(), st.booleans())
def test_walks_through_the_lifecycle(
    open_okta: Callable[..., Any], walk: list[str], activate: bool, password: bool
) -> None:
    okta = open_okta()
    key = okta.user("eve", activate=activate, password="Abcd1234x" if password else "")
    status = "STAGED" if not activate else "ACTIVE" if password else "PROVISIONED"
    for edge in walk:
        answer = okta(f"POST /api/v1/users/{key}/lifecycle/{edge}")
        target = LEGAL.get((status, edge))
        assert (answer.status == 200) is (target is not None)
        if target is not None:
            if edge == "activate":
                target = "ACTIVE" if password and status == "STAGED" else "PROVISIONED"
            if target == "DEPROVISIONED":
                password = False
            status = target
        assert okta.status(key) == status
    assert okta.universe.crashes == []


def test_activation_and_reset_links(okta: Any) -> None:
    key = okta.user("eve", activate=False, password="")
    answer = okta(f"POST /api/v1/users/{key}/lifecycle/activate?sendEmail=false").data()
    assert answer["activationUrl"] == f"http://twin.test/welcome/{answer['activationToken']}"
    again = okta(f"POST /api/v1/users/{key}/lifecycle/reactivate?sendEmail=false").data()
    assert again["activationToken"] != answer["activationToken"]
    assert okta(f"POST /api/v1/users/{key}/lifecycle/reset_password?sendEmail=true").data() == {}
    reset = okta(f"POST /api/v1/users/{key}/lifecycle/reset_password?sendEmail=false").data()
    assert reset["resetPasswordUrl"].startswith("http://twin.test/signin/reset-password/")
    temporary = okta(f"POST /api/v1/users/{key}/lifecycle/expire_password_with_temp_password")
    assert len(temporary.data()["tempPassword"]) == 8


def test_credentials(okta: Any) -> None:
    key = okta.user("eve", password="Abcd1234x")
    credentials = f"POST /api/v1/users/{key}/credentials"
    wrong = {"oldPassword": {"value": "no"}, "newPassword": {"value": "Efgh5678x"}}
    assert code(okta(f"{credentials}/change_password", wrong)) == (403, "E0000014")
    right = {"oldPassword": {"value": "Abcd1234x"}, "newPassword": {"value": "Efgh5678x"}}
    assert okta(f"{credentials}/change_password", right).data() == {
        "password": {},
        "provider": {"type": "OKTA", "name": "OKTA"},
    }
    question = {"question": "Favourite colour?", "answer": "ultraviolet"}
    body = {"password": {"value": "Efgh5678x"}, "recovery_question": question}
    shown = okta(f"{credentials}/change_recovery_question", body).data()
    assert shown["recovery_question"] == {"question": "Favourite colour?"}
    forgot = {"password": {"value": "Ijkl9012x"}, "recovery_question": {"answer": "red"}}
    assert code(okta(f"{credentials}/forgot_password_recovery_question", forgot)) == (
        403,
        "E0000087",
    )
    forgot["recovery_question"]["answer"] = "ultraviolet"
    assert okta(f"{credentials}/forgot_password_recovery_question", forgot).status == 200
    assert "forgotPassword" in okta(f"GET /api/v1/users/{key}").data()["_links"]


def test_paging_through_everybody(open_okta: Callable[..., Any]) -> None:
    okta = open_okta(seeds={"okta": "acme-300"})
    pages = okta.pages("/api/v1/users")
    assert [len(page) for page in pages] == [200, 100]
    pages = okta.pages("/api/v1/users?limit=7&filter=status+eq+%22ACTIVE%22")
    ids = [user["id"] for page in pages for user in page]
    assert len(ids) == len(set(ids)) == 300
    assert {len(page) for page in pages} == {7, 6}
    links = [v for k, v in okta("GET /api/v1/users?limit=2").headers if k == "link"]
    assert links[0] == '<http://twin.test/api/v1/users?limit=2>; rel="self"'
    assert links[1].startswith("<http://twin.test/api/v1/users?after=")
    assert links[1].endswith('&limit=2>; rel="next"')
    assert len(okta("GET /api/v1/users?limit=5000").data()) == 200


def test_a_page_neither_repeats_nor_skips_when_people_come_and_go(okta: Any) -> None:
    first = okta("GET /api/v1/users?limit=5")
    after = okta("GET /api/v1/users").data()[4]["id"]
    for _ in range(2):
        okta(f"DELETE /api/v1/users/{after}")
    okta.user("late")
    following = next(v for k, v in first.headers if 'rel="next"' in v)
    target = following.partition("<http://twin.test")[2].partition(">")[0]
    rest = [user["profile"]["login"] for page in okta.pages(target) for user in page]
    assert len(rest) == 8
    assert rest[-1] == "late@test.example"


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "limit=-1", "limit=9e9", "after=zz"])
def test_bad_paging_parameters(okta: Any, query: str) -> None:
    assert code(okta(f"GET /api/v1/users?{query}")) == (400, "E0000001")


def test_projection_and_omitted_credentials(okta: Any) -> None:
    answer = okta("GET /api/v1/users?limit=1&fields=id,status,profile:(firstName,%20email)")
    user = answer.data()[0]
    assert set(user) == {"id", "status", "profile", "_links"}
    assert set(user["profile"]) == {"firstName", "email"}
    omitted = okta(
        "GET /api/v1/users?limit=1",
        **{"content-type": "application/json; okta-response=omitCredentials"},
    )
    assert "credentials" not in omitted.data()[0]


def test_tokens(okta: Any) -> None:
    listed = "GET /api/v1/users?limit=1"
    assert okta(listed, authorization=f"SSWS{okta.token}").status == 200
    assert okta(listed, authorization=f"ssws   {okta.token}").status == 200
    for bad in (f"SSWS {okta.token}x", "SSWS", f"Bearer {okta.token}", okta.token):
        assert code(okta(listed, authorization=bad)) == (401, "E0000011")
    assert code(okta(listed, authorization="")) == (401, "E0000005")
    assert code(okta("GET /api/v1/apps", authorization="")) == (401, "E0000005")


def test_headers_that_clients_read(okta: Any) -> None:
    answer = okta("GET /api/v1/users?limit=1")
    again = okta("GET /api/v1/users?limit=1")
    headers, later = dict(answer.headers), dict(again.headers)
    assert set(headers["x-okta-request-id"]) <= set(string.hexdigits)
    assert headers["x-okta-request-id"] != later["x-okta-request-id"]
    assert int(later["x-rate-limit-remaining"]) == int(headers["x-rate-limit-remaining"]) - 1
    reset, now = int(headers["x-rate-limit-reset"]), okta.universe.clock.epoch()
    assert 0 < reset - now <= 60
    for _ in range(700):
        answer = okta("GET /api/v1/users/me")
    assert answer.status == 200
    assert int(answer.header("x-rate-limit-remaining")) >= 1


def test_gaps_and_unknown_paths(okta: Any) -> None:
    # Everything described is implemented, so an operation of the future stands for the others.
    routes = okta.universe.packs["okta"].routes
    routes.add("GET", "/api/v1/tomorrow", "listTomorrow")
    gap = okta("GET /api/v1/tomorrow")
    assert code(gap) == (501, "E0000060")
    assert okta.universe.tap[-1].operation == "listTomorrow"
    assert okta.universe.gaps == ["okta: listTomorrow"]
    assert code(okta("PATCH /api/v1/users")) == (405, "E0000022")
    assert code(okta("GET /api/v1/unicorns")) == (404, "E0000007")
    assert len(okta.universe.gaps) == 1
    assert okta("GET //api/v1/users//?limit=1").status in (200, 404)


def test_faults_in_oktas_dialect(okta: Any) -> None:
    faults = okta.universe.faults
    faults.add({"twin": "okta", "match": "listUsers", "times": 1, "reply": 429})
    answer = okta("GET /api/v1/users")
    assert code(answer) == (429, "E0000047")
    assert answer.header("x-rate-limit-remaining") == "0"
    assert int(answer.header("x-rate-limit-reset")) == okta.universe.clock.epoch() + 1
    faults.add(
        {"twin": "okta", "match": "listGroups", "reply": 429, "headers": {"Retry-After": "7"}}
    )
    answer = okta("GET /api/v1/groups")
    assert int(answer.header("x-rate-limit-reset")) == okta.universe.clock.epoch() + 7
    assert answer.header("retry-after") == "7"
    for status, wanted in (
        (500, "E0000009"),
        (503, "E0000010"),
        (401, "E0000011"),
        (418, "E0000001"),
    ):
        faults.add({"twin": "okta", "match": "getUser", "times": 1, "reply": status})
        assert code(okta("GET /api/v1/users/me")) == (status, wanted)
