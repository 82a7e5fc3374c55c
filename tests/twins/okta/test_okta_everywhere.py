"""What holds for every list and every object, whatever it is."""

from typing import Any
from urllib.parse import urlencode

import pytest

from .description import DESCRIPTION, taking
from .driver import Driver, filled
from .needs import BOUGHT, QUERY, VALUES
from .test_okta_refusals import OPERATIONS

NAMED = {"name", "label", "alias", "domain", "kid", "variableName"}
"""Fields that no two objects of a kind may share."""
STAYS = {
    # The default again.
    "deletePreviewErrorPage",
    "deleteCustomizedErrorPage",
    "deletePreviewSignInPage",
    "deleteCustomizedSignInPage",
    "deleteOrgCaptchaSettings",
    # A user is deactivated first, an application has two steps.
    "deleteUser",
    # Recorded: what is no UI schema may be deleted.
    "deleteUISchemas",
    # Who is no member any more is still none; a rule is deleted some time later (202).
    "unassignUserFromGroup",
    "deleteIdentitySourceGroupMemberships",
    "deleteGroupRule",
    # The list of what is linked is empty then.
    "deleteLinkedObjectForUser",
}
"""What does not answer 404 after it was deleted."""


def _other(body: Any, number: int) -> Any:
    if not isinstance(body, dict) or not number:
        return body
    fixed = ("oidc_client", "slack")
    return {k: f"{v}{number}" if k in NAMED and v not in fixed else v for k, v in body.items()}


def _entries(answer: Any) -> list[Any]:
    found = answer.data()
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), [])
    return list(found)


@pytest.mark.skipif(not DESCRIPTION.is_file(), reason="the description is not here")
def test_every_list_keeps_to_its_limit(okta: Any) -> None:
    okta.universe.apply("okta", "buy_features", list(BOUGHT))
    fresh = okta.universe.snapshot()
    wrong, several = [], 0
    for path in taking("limit"):
        okta.universe.restore(fresh)
        driver = Driver(okta, None)
        line = f"GET {path}"
        values = VALUES[line](driver) if line in VALUES else driver.values(path)
        for number in range(1, 3):
            body = _other(driver.body("POST", path, values), number)
            if body is not None:
                okta(f"POST {filled(path, values)}", body)
        query = {k: v for k, v in QUERY.get(line, {}).items() if not callable(v)}
        every = okta(f"{filled(line, values)}?{urlencode(query)}")
        one = okta(f"{filled(line, values)}?{urlencode({**query, 'limit': 1})}")
        due = min(1, len(_entries(every)))
        several += len(_entries(every)) > 1
        told = "".join(value for name, value in one.headers if name == "link") + str(one.body)
        more = 'rel="next"' in told or '"next"' in told
        if len(_entries(one)) != due or (len(_entries(every)) > 1 and not more):
            wrong.append(f"{line}: {len(_entries(one))} of {len(_entries(every))}")
    assert several > 25
    assert not wrong, "\n".join(wrong)


def test_what_is_deleted_is_gone_everywhere(okta: Any) -> None:
    okta.universe.apply("okta", "buy_features", list(BOUGHT))
    fresh = okta.universe.snapshot()
    reads = {path for _, verb, path in OPERATIONS if verb == "GET"}
    wrong = []
    for name, verb, path in OPERATIONS:
        if verb != "DELETE" or not path.endswith("{}") or name in STAYS:
            continue
        okta.universe.restore(fresh)
        driver = Driver(okta, None)
        line = f"DELETE {path}"
        values = VALUES[line](driver) if line in VALUES else driver.values(path)
        target = filled(path, values)
        okta(f"POST {target}/lifecycle/deactivate")
        query = "?deleteTargetGroup=false" if "group-push" in path else ""
        first = okta(f"DELETE {target}{query}").status
        again = okta(f"DELETE {target}{query}")
        found: tuple[int, ...] = (first, again.status)
        if path in reads:
            found += (okta(f"GET {target}").status,)
        if found[:2] != (204, 404) or found[2:] not in ((), (404,)):
            wrong.append(f"{name}: {found}")
    assert not wrong, "\n".join(wrong)
