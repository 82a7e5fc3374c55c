"""Primary authentication: passwords, factors, expired passwords, invitations, recovery."""

from typing import Any

import pytest

from .browser import Browser
from .conftest import Okta
from .test_okta_grants import enrolled, passcode, require_factor, seed_of

AUTHN = "POST /api/v1/authn"
WHO = {"username": "ada@test.example", "password": "Abcd1234x"}


def ask(okta: Okta, path: str = "", **body: Any) -> Any:
    return okta(f"{AUTHN}{path}", body, authorization="")


def code_of(okta: Okta, factor: str) -> str:
    """The code that was sent, which only the factor's owner sees."""
    things = okta.universe.twins["okta"]["things"]
    return str(things[("factors", factor)]["hidden"]["code"])


def test_a_password_leads_to_a_session(okta: Okta) -> None:
    okta.user("ada")
    wrong = ask(okta, **{**WHO, "password": "x"})
    assert (wrong.status, wrong.data()["errorCode"]) == (401, "E0000004")
    answer = ask(okta, **WHO, relayState="/here").data()
    assert (answer["status"], answer["relayState"]) == ("SUCCESS", "/here")
    assert answer["_embedded"]["user"]["profile"]["firstName"] == "Ada"
    session = okta("POST /api/v1/sessions", {"sessionToken": answer["sessionToken"]}).data()
    cookie = {"authorization": "", "cookie": f"sid={session['id']}"}
    assert okta("GET /api/v1/sessions/me", **cookie).data()["login"] == WHO["username"]
    okta.universe.clock.advance(3600)
    refreshed = okta("POST /api/v1/sessions/me/lifecycle/refresh", **cookie).data()
    assert refreshed["expiresAt"] > session["expiresAt"]
    assert okta("DELETE /api/v1/sessions/me", **cookie).status == 204
    assert okta("GET /api/v1/sessions/me", **cookie).data()["errorCode"] == "E0000007"


def test_ten_wrong_passwords_lock_out_until_somebody_unlocks(okta: Okta) -> None:
    key = okta.user("ada")
    for _ in range(10):
        assert ask(okta, **{**WHO, "password": "x"}).status == 401
    assert ask(okta, **WHO).data()["status"] == "LOCKED_OUT"
    page = Browser(okta).get("/login/login.htm").submit(**WHO)
    assert "locked" in page.page.problem
    assert okta(f"POST /api/v1/users/{key}/lifecycle/unlock").status == 200
    assert ask(okta, **WHO).data()["status"] == "SUCCESS"


def test_an_expired_password_is_changed_on_the_way(okta: Okta) -> None:
    key = okta.user("ada")
    okta(f"POST /api/v1/users/{key}/lifecycle/expire_password")
    answer = ask(okta, **WHO).data()
    assert answer["status"] == "PASSWORD_EXPIRED"
    assert answer["_links"]["next"]["name"] == "changePassword"
    path, token = "/credentials/change_password", answer["stateToken"]
    given = {"stateToken": token, "oldPassword": WHO["password"], "newPassword": "Bcde2345y"}
    wrong = ask(okta, path, **{**given, "oldPassword": "x"})
    assert (wrong.status, wrong.data()["errorCode"]) == (403, "E0000014")
    assert ask(okta, path, **{**given, "newPassword": "weak"}).data()["errorCode"] == "E0000001"
    assert ask(okta, path, **given).data()["status"] == "SUCCESS"
    assert ask(okta, path, **given).data()["errorCode"] == "E0000011", "that was it"
    assert okta.status(key) == "ACTIVE"
    okta(f"POST /api/v1/users/{key}/lifecycle/expire_password")
    browser = Browser(okta).get("/login/login.htm").submit(**{**WHO, "password": "Bcde2345y"})
    browser.submit(newPassword="weak")
    assert browser.page.problem
    browser.submit(newPassword="Cdef3456z")
    assert "Signed in as" in browser.answer.body.decode()


def test_a_factor_that_a_policy_wants_is_verified(okta: Okta) -> None:
    key = okta.user("ada")
    secret = enrolled(okta, key)
    sms = {"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "+1-555-415-1337"}}
    factor = okta(f"POST /api/v1/users/{key}/factors?activate=true", sms).data()["id"]
    assert ask(okta, **WHO).data()["status"] == "SUCCESS", "nobody has asked for it yet"
    require_factor(okta)
    answer = ask(okta, **WHO).data()
    assert answer["status"] == "MFA_REQUIRED"
    found = {row["factorType"]: row for row in answer["_embedded"]["factors"]}
    assert set(found) == {"token:software:totp", "sms"}
    assert found["sms"]["profile"]["phoneNumber"] == "+1 XXX-XXX-1337"
    token = {"stateToken": answer["stateToken"]}
    totp = f"/factors/{found['token:software:totp']['id']}/verify"
    wrong = ask(okta, totp, **token, passCode="000000")
    assert (wrong.status, wrong.data()["errorCode"]) == (403, "E0000068")
    challenge = ask(okta, f"/factors/{factor}/verify", **token).data()
    assert (challenge["status"], challenge["factorResult"]) == ("MFA_CHALLENGE", "CHALLENGE")
    first = code_of(okta, factor)
    assert (
        ask(okta, f"/factors/{factor}/verify/resend", **token).data()["status"] == "MFA_CHALLENGE"
    )
    assert code_of(okta, factor) != first
    assert ask(okta, "/previous", **token).data()["status"] == "MFA_REQUIRED"
    assert ask(okta, **token).data()["status"] == "MFA_REQUIRED", "where it stands"
    done = ask(okta, totp, **token, passCode=passcode(okta, secret)).data()
    assert done["status"] == "SUCCESS"
    session = okta("POST /api/v1/sessions", {"sessionToken": done["sessionToken"]}).data()
    assert session["amr"] == ["pwd", "otp", "mfa"]
    browser = Browser(okta).get("/login/login.htm").submit(**WHO)
    assert "passCode" in browser.page.fields
    assert browser.submit(passCode="000000").page.problem
    browser.submit(passCode=passcode(okta, secret))
    assert "Signed in as" in browser.answer.body.decode()


def test_who_has_no_factor_enrols_one(okta: Okta) -> None:
    okta.user("ada")
    require_factor(okta)
    answer = ask(okta, **WHO).data()
    assert answer["status"] == "MFA_ENROLL"
    token = {"stateToken": answer["stateToken"]}
    body = {"factorType": "token:software:totp", "provider": "GOOGLE"}
    waiting = ask(okta, "/factors", **token, **body).data()
    assert waiting["status"] == "MFA_ENROLL_ACTIVATE"
    factor = waiting["_embedded"]["factor"]
    path = f"/factors/{factor['id']}/lifecycle/activate"
    assert ask(okta, path, **token, passCode="000000").status == 403
    code = passcode(okta, seed_of(factor))
    assert ask(okta, path, **token, passCode=code).data()["status"] == "SUCCESS"
    assert ask(okta, **WHO).data()["status"] == "MFA_REQUIRED"


def test_a_rule_that_denies_lets_nobody_in(okta: Okta) -> None:
    okta.user("ada")
    body = {"type": "OKTA_SIGN_ON", "name": "Closed", "description": "d"}
    policy = okta("POST /api/v1/policies", body).data()["id"]
    rule = {"name": "No", "actions": {"signon": {"access": "DENY"}}}
    made = okta(f"POST /api/v1/policies/{policy}/rules", rule).data()
    assert ask(okta, **WHO).data()["errorCode"] == "E0000085"
    zone = {"type": "IP", "name": "Far", "gateways": [{"type": "CIDR", "value": "10.0.0.0/8"}]}
    far = okta("POST /api/v1/zones", zone).data()["id"]
    rule["conditions"] = {"network": {"connection": "ZONE", "include": [far]}}
    assert okta(f"PUT /api/v1/policies/{policy}/rules/{made['id']}", rule).status == 200
    assert ask(okta, **WHO).data()["status"] == "SUCCESS", "we are not there"


@pytest.mark.parametrize("how", ["activate", "reset_password"])
def test_an_invitation_or_reset_leads_to_a_password(okta: Okta, how: str) -> None:
    if how == "activate":
        key = okta.user("ada", activate=False, password="")
        sent = okta(f"POST /api/v1/users/{key}/lifecycle/activate?sendEmail=false").data()
        token = sent["activationToken"]
    else:
        key = okta.user("ada")
        sent = okta(f"POST /api/v1/users/{key}/lifecycle/reset_password?sendEmail=false").data()
        token = sent["resetPasswordUrl"].rpartition("/")[2]
    answer = ask(okta, token=token).data()
    assert answer["status"] == "PASSWORD_RESET"
    given = {"stateToken": answer["stateToken"], "newPassword": "Bcde2345y"}
    assert ask(okta, "/credentials/reset_password", **given).data()["status"] == "SUCCESS"
    assert okta.status(key) == "ACTIVE"
    assert ask(okta, token=token).status == 401, "once"
    assert ask(okta, **{**WHO, "password": "Bcde2345y"}).data()["status"] == "SUCCESS"


def test_recovery_asks_the_question(okta: Okta) -> None:
    key = okta.user("ada")
    body = {"credentials": {"recovery_question": {"question": "Why?", "answer": "because"}}}
    assert okta(f"POST /api/v1/users/{key}", body).status == 200
    mail = {"username": WHO["username"], "factorType": "EMAIL"}
    for name in (WHO["username"], "nobody@test.example"):
        told = ask(okta, "/recovery/password", **{**mail, "username": name}).data()
        assert told["status"] == "RECOVERY_CHALLENGE", "no word of who exists"
    trusted = okta(f"{AUTHN}/recovery/password", {"username": WHO["username"]}).data()
    assert trusted["_embedded"]["user"]["recovery_question"]["question"] == "Why?"
    state = ask(okta, "/recovery/token", recoveryToken=trusted["recoveryToken"]).data()
    token = {"stateToken": state["stateToken"]}
    assert state["status"] == "RECOVERY"
    early = ask(okta, "/credentials/reset_password", **token, newPassword="Bcde2345y")
    assert (early.status, early.data()["errorCode"]) == (403, "E0000079")
    wrong = ask(okta, "/recovery/answer", **token, answer="who knows")
    assert (wrong.status, wrong.data()["errorCode"]) == (403, "E0000087")
    assert ask(okta, "/recovery/answer", **token, answer="because").data()["status"] == (
        "PASSWORD_RESET"
    )
    done = ask(okta, "/credentials/reset_password", **token, newPassword="Bcde2345y").data()
    assert done["status"] == "SUCCESS"
    for _ in range(10):
        ask(okta, **{**WHO, "password": "x"})
    locked = okta(f"{AUTHN}/recovery/unlock", {"username": WHO["username"]}).data()
    state = ask(okta, "/recovery/token", recoveryToken=locked["recoveryToken"]).data()
    given = {"stateToken": state["stateToken"], "answer": "because"}
    assert ask(okta, "/recovery/answer", **given).data()["status"] == "SUCCESS"
    assert okta.status(key) == "ACTIVE"


def test_a_transaction_is_over_when_it_is_cancelled_or_too_old(okta: Okta) -> None:
    okta.user("ada")
    require_factor(okta)
    token = {"stateToken": ask(okta, **WHO).data()["stateToken"]}
    assert ask(okta, "/cancel", **token).status == 200
    assert ask(okta, **token).status == 401
    late = {"stateToken": ask(okta, **WHO).data()["stateToken"]}
    okta.universe.clock.advance(301)
    assert ask(okta, **late).data()["errorCode"] == "E0000011"
