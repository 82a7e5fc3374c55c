"""What the seeded run is made of: scenarios, how they go, what the builder says, what is called."""

from __future__ import annotations

from math import sqrt
from typing import Any

START_MS = 1_772_442_000_000  # 2026-03-02 09:00:00 UTC
TARGET = 0.9

SCENARIOS = (
    ("joiner-gets-channels", "A joiner is in the channels of their groups", "train", False),
    ("leaver-is-removed", "A leaver loses channels after an explanation", "train", False),
    ("second-run-is-quiet", "Running twice changes nothing the second time", "train", False),
    ("dry-run-changes-nothing", "A dry run shows the plan and touches nothing", "train", False),
    ("many-pages", "A directory of 300 people is read to the last page", "train", False),
    ("rate-limited", "Slack answers 429 and the tool waits as told", "train", False),
    ("unplaced-person-ticket", "A person without Slack gets exactly one ticket", "train", False),
    ("asks-before-removing", "The admin asks what would happen first", "train", True),
    ("okta-down", "Okta fails and nobody is removed", "holdout", False),
    ("ticket-retry", "A cut connection opens no second ticket", "holdout", False),
    ("token-stays-secret", "No output ever shows a token", "holdout", False),
    ("clear-exit-codes", "A cron job can tell what happened", "holdout", True),
)

# Which scenarios hold in which iteration, as a chance of each trial to satisfy.
CHANCE = {
    1: dict.fromkeys((s[0] for s in SCENARIOS), 0.0)
    | {"joiner-gets-channels": 1.0, "dry-run-changes-nothing": 1.0, "token-stays-secret": 1.0},
    2: dict.fromkeys((s[0] for s in SCENARIOS), 1.0)
    | {"rate-limited": 0.0, "ticket-retry": 0.4, "asks-before-removing": 0.5, "okta-down": 0.0},
    3: dict.fromkeys((s[0] for s in SCENARIOS), 1.0),
}

REASONS = {
    "leaver-is-removed": "mara.k stayed in #eng-platform after leaving the group",
    "second-run-is-quiet": "the second run invited 5 people again",
    "many-pages": "only the first 200 of 300 people were read",
    "rate-limited": "gave up at the first 429 and left 2 channels unchanged",
    "unplaced-person-ticket": "no ticket for the person without a Slack account",
    "asks-before-removing": "removed two people before saying whom",
    "okta-down": "removed everyone when the group list came back empty",
    "ticket-retry": "two open tickets for one person",
    "clear-exit-codes": "exit code 0 although one channel failed",
}

TOOLS = (
    ("read_file", "read_file specs/rollcall.md", True, 4),
    ("glob", "glob **/*", True, 3),
    ("write_file", "write_file rollcall  +214", True, 9),
    ("shell", "shell ./rollcall --dry-run --config dev.json → exit 0", True, 412),
    ("edit_file", "edit_file rollcall  +18 −6", True, 6),
    ("grep", 'grep "Retry-After" → 0 hits', True, 5),
    ("shell", "shell ./rollcall --config dev.json → exit 3", False, 731),
    ("edit_file", "edit_file rollcall  +41 −12", True, 7),
    ("shell", "shell python3 -m unittest → exit 0", True, 1204),
)

WORDS = {
    1: (
        "I'll start with the spec, then look at what the three services offer in this box.",
        "Plan: read the configuration, list groups and members from Okta, compare with Slack.",
        "The dry run prints a plan. Members that have no Slack account are skipped for now.",
        "Everything in the spec's first section works against the development universe.",
    ),
    2: (
        "The feedback says that people beyond the first page are missing: follow the next link.",
        "Removals must be explained before they happen; collect first, print, then act.",
        "A ticket is opened only if a search for the person's label finds none.",
        "Second run in the box: no invitation, no ticket. Good.",
    ),
    3: (
        "Being told to wait is not an error: honour Retry-After and go on with the same request.",
        "An empty answer from Okta is not an empty group. I stop before any removal then.",
        "If the connection is cut while a ticket is created, search again before creating.",
        "All unit checks pass; the plan, the changes and the exit code now tell one story.",
    ),
}

FEEDBACK = {
    1: (
        "Overall about 25 % of the stories satisfy their user.\n\nWhat users noticed:\n"
        "- People who left a group keep their access.\n"
        "- In a large company some people are never looked at.\n"
        "- Running again does everything again."
    ),
    2: (
        "Overall about 75 % of the stories satisfy their user.\n\nWhat users noticed:\n"
        "- When a service asks to wait, the tool gives up.\n"
        "- Removals sometimes happen before they are explained."
    ),
}

DETAIL = """@@ -40,9 +40,16 @@ def members(okta, group):
-    return okta.get(f"/api/v1/groups/{group}/users")
+    url = f"/api/v1/groups/{group}/users?limit=200"
+    people = []
+    while url:
+        page, url = okta.page(url)
+        people += page
+    return people"""


def wilson(satisfied: int, trials: int) -> dict[str, Any]:
    """Rate and Wilson interval, as the engine would score."""
    if not trials:
        return {
            "satisfied": 0,
            "trials": 0,
            "scenarios": 0,
            "rate": None,
            "low": None,
            "high": None,
        }
    rate, z = satisfied / trials, 1.96
    mid = (rate + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    return {
        "satisfied": satisfied,
        "trials": trials,
        "scenarios": trials // 3,
        "rate": rate,
        "low": max(0.0, mid - half),
        "high": min(1.0, mid + half),
    }


Call = tuple[str, str, str, str, int, str, str]
"""Twin, operation, method, path, status, fault, gap."""

_INVITE: Call = ("slack", "conversations.invite", "POST", "/api/conversations.invite", 200, "", "")
_CALLS: tuple[Call, ...] = (
    ("okta", "listGroups", "GET", "/api/v1/groups?limit=200", 200, "", ""),
    ("okta", "listGroupUsers", "GET", "/api/v1/groups/00g1k2/users?limit=200", 200, "", ""),
    ("slack", "conversations.list", "GET", "/api/conversations.list?limit=200", 200, "", ""),
    ("slack", "conversations.members", "GET", "/api/conversations.members?channel=C01",
     200, "", ""),
    _INVITE,
)  # fmt: skip


def calls(n: int, scenario: str, good: bool) -> list[Call]:
    """What a trial of a scenario sends to the twins in an iteration."""
    found = list(_CALLS)
    match scenario:
        case "rate-limited":
            found.insert(4, (*_INVITE[:4], 429, "429 ×2", ""))
        case "okta-down":
            found[1] = (*_CALLS[1][:3], "/api/v1/groups/00g1k2/users", 503, "okta 503", "")
        case "unplaced-person-ticket" | "ticket-retry":
            status, fault = (201, "") if good else (0, "cut")
            found.append(("jira", "createIssue", "POST", "/rest/api/3/issue", status, fault, ""))
        case "many-pages" if n == 1:
            gap = "users.profile.get"
            found.append(("slack", gap, "GET", f"/api/{gap}", 501, "", gap))
    return found
