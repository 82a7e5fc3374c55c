"""What every operation refuses: strangers, what is not there, bodies that are none."""

import re
from typing import Any

from ..conftest import TWINS
from .driver import Driver, filled
from .needs import BOUGHT, VALUES
from .sdk import bare

_LINES = re.findall(
    r"^([A-Z]+) (/\S+) (\w+)$", (TWINS / "okta" / "described.py").read_text(), re.MULTILINE
)
OPERATIONS = [(name, verb, bare(path)) for verb, path, name in _LINES]
OPEN = {
    "getWellKnownAppAuthenticatorConfiguration",
    "getAppleAppSiteAssociationWellKnownURI",
    "getAssetLinksWellKnownURI",
    "getWellknownOrgMetadata",
    "getWellknownSsfMetadata",
    "getWebAuthnWellKnownURI",
    "publishSecurityEventTokens",
}
"""Operations that the description gives no security."""
SILENT = {
    # Recorded: an unknown pool has no updates, and what is no UI schema may be deleted.
    "listAgentPoolsUpdates 0": 200,
    "deleteUISchemas 0": 204,
    # Words of an enumeration.
    "updateFeatureLifecycle 1": 400,
    "getSubscriptionsNotificationTypeRole 1": 400,
    "getSubscriptionsNotificationTypeUser 1": 400,
    "subscribeByNotificationTypeRole 1": 400,
    "subscribeByNotificationTypeUser 1": 400,
    "unsubscribeByNotificationTypeRole 1": 400,
    "unsubscribeByNotificationTypeUser 1": 400,
}
"""Operations and parameters that are not answered with a 404."""


def test_strangers_are_refused(okta: Any) -> None:
    wrong = []
    for name, verb, path in OPERATIONS:
        line = f"{verb} {path.replace('{}', 'x')}"
        if name in OPEN:
            assert okta(line, authorization="").status not in (401, 403), name
            continue
        for header, code in (("", "E0000005"), ("SSWS nope", "E0000011")):
            answer = okta(line, authorization=header)
            if (answer.status, answer.data().get("errorCode")) != (401, code):
                wrong.append(f"{name} {header}: {answer.status} {answer.body[:80]!r}")
    assert not wrong, "\n".join(wrong)


def _code(answer: Any) -> str:
    body = answer.data() if answer.body else {}
    return str(body.get("errorCode", "")) if isinstance(body, dict) else ""


def test_what_is_not_there_is_not_found(okta: Any) -> None:
    okta.universe.apply("okta", "buy_features", list(BOUGHT))
    fresh = okta.universe.snapshot()
    wrong = []
    for name, verb, path in OPERATIONS:
        if "{}" not in path:
            continue
        okta.universe.restore(fresh)
        driver = Driver(okta, None)
        line = f"{verb} {path}"
        try:
            values = VALUES[line](driver) if line in VALUES else driver.values(path)
            body = driver.body(verb, path, values)
        except AssertionError as problem:
            wrong.append(f"{name}: {problem}")
            continue
        for number in range(len(values)):
            key = [*values[:number], "nobody", *values[number + 1 :]]
            answer = okta(filled(line, key), body if body is not None else b"")
            found = (answer.status, _code(answer))
            due = SILENT.get(f"{name} {number}", 404)
            if found[0] != due or (due == 404 and found[1] != "E0000007"):
                wrong.append(f"{name} {number}: {answer.status} {answer.body[:120]!r}")
            elif due == 404:
                summary = answer.data()["errorSummary"]
                if not summary.startswith("Not found: Resource not found: "):
                    wrong.append(f"{name}: {summary}")
    assert not wrong, "\n".join(wrong)


def test_bodies_that_are_none(okta: Any) -> None:
    fresh = okta.universe.snapshot()
    wrong = []
    for name, verb, path in OPERATIONS:
        driver = Driver(okta, None)
        line = f"{verb} {path}"
        if verb not in ("POST", "PUT", "PATCH"):
            continue
        okta.universe.apply("okta", "buy_features", list(BOUGHT))
        values = VALUES[line](driver) if line in VALUES else driver.values(path)
        body = driver.body(verb, path, values)
        if body is not None and not isinstance(body, bytes):
            for bad in (b"{", b'"x"'):
                answer = okta(filled(line, values), bad)
                if (answer.status, _code(answer)) != (400, "E0000003"):
                    wrong.append(f"{name} {bad!r}: {answer.status} {answer.body[:120]!r}")
        okta.universe.restore(fresh)
    assert not wrong, "\n".join(wrong)


def test_no_operation_goes_by_the_name_of_another(okta: Any) -> None:
    routes = okta.universe.packs["okta"].routes.operations
    ours = {name: (verb, bare(path)) for name, (verb, path, _) in routes.items()}
    assert [name for name, verb, path in OPERATIONS if ours[name] != (verb, path)] == []
