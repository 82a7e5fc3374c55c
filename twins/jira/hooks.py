"""Telling webhooks what happened: who hears of it, in which words, signed and repeated how."""

import hmac
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import blake2b, sha256
from typing import Any, Final
from urllib.parse import quote

from factory_tui.universe import (
    Delivery,
    Outcome,
    Outgoing,
    Reply,
    Retries,
    Row,
    Subscription,
    Twin,
    iso,
    parse_time,
)

from .context import Context
from .jql import JqlError
from .jql import parse as parse_jql
from .query import compile_query

__all__ = ["EVENTS", "ISSUE_EVENTS", "live", "outcome", "outgoing", "sign", "tell"]

ISSUE_EVENTS: Final = (
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "issue_property_set",
    "issue_property_deleted",
)
"""What dynamic webhooks may ask for."""

EVENTS: Final = frozenset(
    {
        *ISSUE_EVENTS,
        *(f"worklog_{what}" for what in ("created", "updated", "deleted")),
        "jira:worklog_updated",
        *(f"issuelink_{what}" for what in ("created", "deleted")),
        *(f"attachment_{what}" for what in ("created", "deleted")),
        *(f"project_{what}" for what in ("created", "updated", "deleted")),
        *(f"project_{what}" for what in ("archived_deferred", "restored_deleted")),
        *(f"project_{what}" for what in ("soft_deleted", "restored_archived")),
        *(f"user_{what}" for what in ("created", "updated", "deleted")),
        *(f"sprint_{what}" for what in ("created", "updated", "deleted", "started", "closed")),
        *(f"board_{what}" for what in ("created", "updated", "deleted", "configuration_changed")),
        *(
            f"jira:version_{what}"
            for what in ("created", "updated", "deleted", "released", "unreleased", "moved")
        ),
        "jira:version_merged",
        *(f"filter_{what}" for what in ("created", "updated", "deleted")),
        *(
            f"option_{what}_changed"
            for what in (
                *("voting", "watching", "unassigned_issues", "subtasks", "attachments"),
                *("issuelinks", "timetracking"),
            )
        ),
    }
)

_RETRIES: Final = Retries((300.0, 450.0, 600.0, 750.0, 900.0), timeout=10.0)
"""Atlassian repeats up to five times after 5 to 15 minutes, at random; here steadily."""
_ONCE: Final = Retries((), timeout=10.0)
_AGAIN: Final = frozenset({0, 408, 409, 425, 429})
_KEPT: Final = timedelta(hours=72)


def live(c: Context) -> Iterator[Row]:
    """The webhooks that are enabled and have not expired."""
    now = iso(c.twin.clock.now())
    for row in c["webhooks"].rows():
        if row["enabled"] and (row["expires"] is None or row["expires"] > now):
            yield row


def tell(
    c: Context,
    kind: str,
    body: Callable[[Context], dict[str, Any]],
    *,
    issue: Row | None = None,
    changed: tuple[str, ...] = (),
    **things: Row,
) -> None:
    """Queue an event for every webhook that wants to hear of it.

    Args:
        body: Makes the payload, with texts as version 2 has them; called when somebody listens.
        issue: What a webhook's JQL must find.
        changed: Ids of the fields that changed, for webhooks that ask for some fields only.
        things: ``project=row`` and the like, for ``${project.key}`` in URLs.
    """
    hooks = [row for row in live(c) if kind in row["events"] and _wants(c, row, issue, changed)]
    if not hooks:
        return
    heard = Context(c.call, c.user, v3=False)
    if issue is not None:
        project = c["projects"].get(issue["project"])
        things = {"issue": issue, **({"project": project} if project else {}), **things}
    payload = {
        "timestamp": int(c.twin.clock.now().timestamp() * 1000),
        "webhookEvent": kind,
        **body(heard),
    }
    c.twin.emit(kind, payload, to=list(_subscriptions(c, hooks, things)))


def _wants(c: Context, hook: Row, issue: Row | None, changed: tuple[str, ...]) -> bool:
    if hook["fields"] and changed and not set(hook["fields"]) & set(changed):
        return False
    if issue is None or not hook["jql"]:
        return True
    owner = Context(c.call, c["users"].get(hook["owner"]), v3=False)
    try:
        return compile_query(owner, parse_jql(hook["jql"])).test(issue)
    except JqlError:
        return False


def _subscriptions(c: Context, hooks: list[Row], things: dict[str, Row]) -> Iterator[Subscription]:
    """One per admin webhook; the dynamic ones of one URL hear once, with all their ids."""
    retries = _RETRIES if c.cloud else _ONCE
    dynamic: dict[str, list[int]] = {}
    for hook in hooks:
        if hook["dynamic"]:
            dynamic.setdefault(hook["url"], []).append(int(hook["id"]))
            continue
        data = {"hooks": (), "body": not hook["bodiless"], "flow": "Primary"}
        url = _filled(hook["url"], things)
        yield Subscription(hook["id"], url, hook["secret"], retries, data)
    for url, ids in dynamic.items():
        data = {"hooks": tuple(ids), "body": True, "flow": "Primary"}
        secret = str(c.site.get("hook_secret", ""))
        yield Subscription(str(ids[0]), url, secret, retries, data)


def _filled(url: str, things: dict[str, Row]) -> str:
    """The URL with ``${issue.key}`` and its like replaced."""
    if "${" not in url:
        return url
    for name, row in things.items():
        for part in ("id", "key", "name"):
            value = quote(str(row.get(part, "")), safe="")
            url = url.replace(f"${{{name}.{part}}}", value)
    return url


# -- on the way


def _identifier(delivery: Delivery) -> str:
    text = f"{delivery.event.id}/{delivery.n}".encode()
    return blake2b(text, digest_size=16).hexdigest()


def outgoing(delivery: Delivery) -> Outgoing:
    """What is sent, without the signature. A retry keeps its identifier."""
    target = delivery.subscription
    headers = [
        ("user-agent", "Atlassian Webhook HTTP Client"),
        ("x-atlassian-webhook-identifier", _identifier(delivery)),
        ("x-atlassian-webhook-flow", str(target.data["flow"])),
    ]
    if delivery.attempt > 1:
        headers.append(("x-atlassian-webhook-retry", str(delivery.attempt - 1)))
    if not target.data["body"]:
        return Outgoing(target.url, b"", headers)
    payload = delivery.event.payload
    if target.data["hooks"]:
        payload = {**payload, "matchedWebhookIds": list(target.data["hooks"])}
    return Outgoing.json(target.url, payload, headers)


def sign(delivery: Delivery, request: Outgoing, secret: str) -> None:
    """``X-Hub-Signature`` (HMAC-SHA256 of the body), when the webhook has a secret."""
    if delivery.subscription.secret:
        digest = hmac.new(secret.encode(), request.body, sha256).hexdigest()
        request.headers.append(("x-hub-signature", f"sha256={digest}"))


def outcome(twin: Twin, delivery: Delivery, answer: Reply) -> Outcome:
    """Again for what may pass, given up otherwise; the last failure of an app's is kept."""
    if answer.ok:
        return "delivered"
    if answer.status not in _AGAIN and answer.status < 500:
        return "failed"
    if delivery.attempt <= len(delivery.subscription.retries.delays):
        return "retry"
    if delivery.subscription.data["hooks"]:
        key = _identifier(delivery)
        now = twin.clock.now()
        body = outgoing(delivery).body.decode()
        row = {"id": key, "url": delivery.subscription.url, "body": body, "at": iso(now)}
        for old, known in list(twin["failedhooks"].items()):
            if parse_time(known["at"]) < now - _KEPT:
                twin["failedhooks"].delete(old)
        twin["failedhooks"].put(key, row)
    return "failed"
