"""What each method refuses, with the error Slack names for it."""

import json
from typing import Any

import pytest

from factory_tui.universe import Request
from twins.slack.dialect import may_answer

RICH = {"type": "rich_text", "elements": []}
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    # kind of token, method, arguments ($ marks what the fixture made), error
    ("user", "apps.connections.open", {}, "not_allowed_token_type"),
    ("app", "apps.event.authorizations.list", {"event_context": "x"}, "invalid_event_context"),
    ("config", "apps.manifest.validate", {"manifest": "{"}, "invalid_manifest"),
    ("config", "apps.manifest.validate", {"manifest": {"nonsense": 1}}, "invalid_manifest"),
    ("config", "apps.manifest.create", {"manifest": {}}, "invalid_manifest"),
    ("bot", "apps.manifest.create", {"manifest": {}}, "not_allowed_token_type"),
    ("config", "apps.manifest.update", {"app_id": "A0", "manifest": {}}, "invalid_app_id"),
    ("config", "apps.manifest.export", {"app_id": "A0"}, "invalid_app_id"),
    ("config", "apps.manifest.delete", {"app_id": "$app"}, "app_not_eligible"),
    ("bot", "apps.uninstall", {"client_id": "x"}, "invalid_client_id"),
    ("bot", "apps.user.connection.update", {"user_id": "$person", "status": "connected"},
     "app_not_subscribed"),
    ("bot", "assistant.threads.setStatus",
     {"channel_id": "$room", "thread_ts": "1.0", "status": "x"}, "invalid_thread_ts"),
    ("bot", "assistant.threads.setTitle", {"channel_id": "C0", "title": "t"}, "channel_not_found"),
    ("bot", "assistant.threads.setSuggestedPrompts",
     {"channel_id": "$im", "thread_ts": "1.0", "prompts": [{"title": "a", "message": "b"}]},
     "invalid_thread_ts"),
    ("bot", "bookmarks.add", {"channel_id": "$room", "title": "t", "type": "pin"},
     "invalid_bookmark_type"),
    ("bot", "bookmarks.edit", {"channel_id": "$room", "bookmark_id": "x"}, "not_found"),
    ("bot", "bookmarks.list", {"channel_id": "C0"}, "channel_not_found"),
    ("bot", "bookmarks.remove", {"channel_id": "$room", "bookmark_id": "x"}, "not_found"),
    ("bot", "bots.info", {"bot": "B0"}, "bot_not_found"),
    ("bot", "calls.add", {"external_unique_id": "1", "join_url": "https://c.example"},
     "invalid_created_by"),
    *(("bot", f"calls.{name}", {"id": "R0", "users": [{"slack_id": "$person"}]}, "not_found")
      for name in ("end", "info", "update", "participants.add", "participants.remove")),
    ("bot", "canvases.access.set",
     {"canvas_id": "$canvas", "access_level": "all", "user_ids": ["$person"]},
     "invalid_access_level"),
    ("bot", "canvases.access.delete", {"canvas_id": "$canvas", "user_ids": ["U0"]},
     "user_not_found"),
    ("bot", "canvases.create", {"channel_id": "C0"}, "channel_not_found"),
    ("bot", "canvases.delete", {"canvas_id": "F0"}, "canvas_not_found"),
    ("bot", "canvases.edit",
     {"canvas_id": "$canvas", "changes": [{"operation": "delete", "section_id": "x"}]},
     "section_not_found"),
    ("bot", "canvases.getContent", {"canvas_id": "F0"}, "canvas_not_found"),
    ("bot", "canvases.sections.lookup", {"canvas_id": "F0"}, "canvas_not_found"),
    ("bot", "conversations.canvases.create", {"channel_id": "C0"}, "channel_not_found"),
    ("bot", "chat.appendStream", {"channel": "$room", "ts": "$ts", "markdown_text": "x"},
     "message_not_in_streaming_state"),
    ("bot", "chat.stopStream", {"channel": "$room", "ts": "1.0"}, "message_not_found"),
    ("bot", "chat.startStream", {"channel": "$room"}, "invalid_thread_ts"),
    ("user", "chat.startStream", {"channel": "$room"}, "not_allowed_token_type"),
    ("bot", "chat.getPermalink", {"channel": "$room", "message_ts": "1.0"}, "message_not_found"),
    ("bot", "chat.meMessage", {"channel": "$room"}, "no_text"),
    ("bot", "chat.scheduledMessages.list", {"channel": "C0"}, "invalid_channel"),
    ("bot", "chat.scheduleMessage", {"channel": "$room", "text": "x", "post_at": 5},
     "time_in_past"),
    ("bot", "chat.deleteScheduledMessage",
     {"channel": "$room", "scheduled_message_id": "Q0"}, "invalid_scheduled_message_id"),
    ("bot", "chat.unfurl", {"channel": "$room", "ts": "$ts"}, "missing_unfurls"),
    ("user", "conversations.acceptSharedInvite", {"channel_name": "x", "invite_id": "I0"},
     "invite_not_found"),
    ("user", "conversations.acceptSharedInvite", {"channel_name": "X Y", "invite_id": "$received"},
     "invalid_name_specials"),
    ("user", "conversations.approveSharedInvite", {"invite_id": "$sent"}, "missing_target_team"),
    ("user", "conversations.approveSharedInvite", {"invite_id": "$sent", "target_team": "T0"},
     "approval_not_found"),
    ("user", "conversations.declineSharedInvite", {"invite_id": "I0"}, "invite_not_found"),
    ("bot", "conversations.inviteShared", {"channel": "$general", "emails": "a@b.example"},
     "cannot_share_mandatory_channel"),
    ("bot", "conversations.inviteShared", {"channel": "$room"}, "recipients_not_specified"),
    ("bot", "conversations.inviteShared", {"channel": "$room", "emails": "ab"}, "invalid_email"),
    ("bot", "conversations.inviteShared", {"channel": "$im", "emails": "a@b.example"},
     "invalid_channel_type"),
    ("bot", "conversations.listConnectInvites", {"cursor": "?"}, "invalid_cursor"),
    ("bot", "conversations.externalInvitePermissions.set",
     {"channel": "$room", "target_team": "T0", "action": "upgrade"}, "invalid_target_team"),
    ("bot", "conversations.externalInvitePermissions.set",
     {"channel": "$room", "target_team": "T0", "action": "up"}, "invalid_action"),
    ("bot", "conversations.requestSharedInvite.approve", {"invite_id": "I0"}, "invite_not_found"),
    ("bot", "conversations.requestSharedInvite.deny",
     {"invite_id": "$request", "message": "m" * 561}, "message_too_long"),
    ("bot", "conversations.requestSharedInvite.list", {"cursor": "?"}, "invalid_cursor"),
    ("bot", "conversations.close", {"channel": "$room"}, "method_not_supported_for_channel_type"),
    ("bot", "conversations.join", {"channel": "C0"}, "channel_not_found"),
    ("bot", "conversations.mark", {"channel": "$room", "ts": "soon"}, "invalid_timestamp"),
    ("bot", "conversations.rename", {"channel": "$room", "name": "general"}, "name_taken"),
    ("bot", "conversations.replies", {"channel": "$room", "ts": "1.0"}, "thread_not_found"),
    ("bot", "conversations.setPurpose", {"channel": "$room", "purpose": "p" * 251}, "too_long"),
    ("bot", "conversations.unarchive", {"channel": "$room"}, "not_archived"),
    ("bot", "dialog.open", {}, "missing_trigger"),
    ("bot", "dialog.open", {"trigger_id": "x"}, "missing_dialog"),
    ("bot", "dialog.open", {"trigger_id": "x", "dialog": {}}, "validation_errors"),
    ("bot", "dnd.info", {"user": "U0"}, "user_not_found"),
    ("bot", "dnd.teamInfo", {"users": [str(n) for n in range(51)]}, "too_many_users"),
    ("user", "dnd.setSnooze", {}, "missing_duration"),
    ("bot", "entity.presentDetails", {"trigger_id": "x"}, "invalid_trigger_id"),
    ("bot", "files.comments.delete", {"file": "$file", "id": "Fc1"}, "comment_not_found"),
    ("bot", "files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
    ("bot", "files.info", {"file": "F0"}, "file_not_found"),
    ("user", "files.sharedPublicURL", {"file": "$file"}, "not_allowed"),
    ("user", "files.revokePublicURL", {"file": "F0"}, "file_not_found"),
    ("user", "files.remote.add", {"external_id": "1", "title": "t", "external_url": "u"},
     "bot_user_required"),
    ("bot", "files.remote.add", {"external_id": "1" * 256, "title": "t", "external_url": "u"},
     "invalid_external_id"),
    ("bot", "files.remote.info", {"external_id": "0"}, "file_not_found"),
    ("bot", "files.remote.list", {"cursor": "?"}, "invalid_cursor"),
    ("bot", "files.remote.remove", {"external_id": "0", "file": "F0"}, "too_many_ids"),
    ("bot", "files.remote.share", {"external_id": "0", "channels": "$room"}, "file_not_found"),
    ("bot", "files.remote.update", {"external_id": "0"}, "file_not_found"),
    ("bot", "functions.completeSuccess", {"function_execution_id": "Fx0", "outputs": {}},
     "function_execution_not_found"),
    ("bot", "functions.completeError", {"function_execution_id": "Fx0", "error": "x"},
     "function_execution_not_found"),
    ("bot", "migration.exchange", {"users": "$person"}, "not_enterprise_team"),
    ("bot", "migration.exchange", {"users": ["U"] * 401}, "too_many_users"),
    ("bot", "oauth.access", {"client_id": "0"}, "invalid_client_id"),
    ("bot", "openid.connect.token", {"client_id": "0"}, "invalid_client_id"),
    ("bot", "openid.connect.userInfo", {}, "not_allowed_token_type"),
    ("bot", "reactions.get", {}, "no_item_specified"),
    ("bot", "reactions.add", {"channel": "$room", "timestamp": "$ts", "name": "!"},
     "invalid_name"),
    ("bot", "reactions.list", {"cursor": "?"}, "invalid_cursor"),
    *(("user", f"reminders.{name}", {"reminder": "Rm0"}, "not_found")
      for name in ("complete", "delete", "info")),
    ("user", "search.all", {}, "no_query"),
    ("user", "search.files", {"query": "q" * 1001}, "query_too_long"),
    ("bot", "slackLists.create", {"name": "n", "schema": [{"key": "a"}]}, "invalid_schema"),
    ("bot", "slackLists.create",
     {"name": "n", "schema": [{"key": "a", "name": "A", "type": "song"}]}, "invalid_column_type"),
    ("bot", "slackLists.create",
     {"name": "n", "schema": [{"key": "a", "name": "A", "type": "text"}]},
     "invalid_primary_column"),
    ("bot", "slackLists.create", {"name": "n", "include_copied_list_records": True},
     "missing_arg_copy_from_list_id"),
    ("bot", "slackLists.create", {"name": "n" * 256}, "over_title_length_maximum"),
    ("bot", "slackLists.update", {"id": "$list"}, "missing_arguments"),
    ("user", "slackLists.update", {"id": "$list", "name": "x"}, "list_not_found"),
    ("bot", "slackLists.access.set", {"list_id": "$list", "access_level": "read"},
     "invalid_parameters"),
    ("bot", "slackLists.access.delete", {"list_id": "$list", "user_ids": ["U0"]},
     "user_not_found"),
    ("bot", "slackLists.download.start", {"list_id": "F0"}, "list_not_found"),
    ("bot", "slackLists.download.get", {"list_id": "$list", "job_id": "Le0"}, "job_not_found"),
    ("bot", "slackLists.items.create",
     {"list_id": "$list", "initial_fields": [{"column_id": "Col9", "rich_text": [RICH]}]},
     "invalid_column_id"),
    ("bot", "slackLists.items.create",
     {"list_id": "$list", "initial_fields": [{"column_id": "$column", "text": "x"}]},
     "invalid_input_type"),
    ("bot", "slackLists.items.create", {"list_id": "$list", "duplicated_item_id": "Rec0"},
     "duplicated_item_not_found"),
    ("bot", "slackLists.items.update", {"list_id": "$list", "cells": [{}]},
     "row_id_not_provided"),
    ("bot", "slackLists.items.update", {"list_id": "$list", "cells": [{"row_id": "Rec0"}]},
     "invalid_row_id"),
    ("bot", "slackLists.items.update", {"list_id": "$list", "cells": [{"row_id": "$item"}]},
     "column_id_not_provided"),
    ("bot", "slackLists.items.update",
     {"list_id": "$list",
      "cells": [{"row_id": "$item", "column_id": "$date", "date": ["tomorrow"]}]},
     "invalid_date"),
    ("bot", "slackLists.items.update",
     {"list_id": "$list", "cells": [{"row_id": "$item", "column_id": "$made", "user": []}]},
     "uneditable_column"),
    ("bot", "slackLists.items.info", {"list_id": "$list", "id": "Rec0"}, "record_not_found"),
    ("bot", "slackLists.items.list", {"list_id": "$list", "cursor": "?"}, "invalid_cursor"),
    ("bot", "slackLists.items.delete", {"list_id": "$list", "id": "Rec0"}, "record_not_found"),
    ("user", "slackLists.items.deleteMultiple", {"list_id": "$list", "ids": ["x"]},
     "list_not_found"),
    ("user", "stars.add", {}, "no_item_specified"),
    ("user", "team.accessLogs", {"count": 1001}, "over_pagination_limit"),
    ("user", "team.billableInfo", {"user": "U0"}, "user_not_found"),
    ("bot", "team.info", {"team": "T0"}, "team_not_found"),
    ("bot", "team.externalTeams.list", {"workspace_filter": "T0"}, "invalid_workspace_filter"),
    ("bot", "team.externalTeams.disconnect", {"target_team": "T0"}, "invalid_target_team"),
    ("bot", "tooling.tokens.rotate", {"refresh_token": "x"}, "invalid_refresh_token"),
    *(("bot", f"usergroups.{name}", {"usergroup": "S0"}, "no_such_subteam")
      for name in ("disable", "enable", "update", "users.list", "users.update")),
    ("bot", "users.conversations", {"types": "club"}, "invalid_types"),
    ("bot", "users.discoverableContacts.lookup", {"email": "x"}, "invalid_email"),
    ("bot", "users.getPresence", {"user": "U0"}, "user_not_found"),
    ("bot", "users.info", {"user": "U0"}, "user_not_found"),
    ("bot", "users.profile.get", {"user": "U0"}, "user_not_found"),
    ("user", "users.profile.set", {"profile": "x"}, "invalid_profile"),
    ("bot", "users.setPresence", {"presence": "gone"}, "invalid_presence"),
    ("user", "users.setPhoto", {"image": "text"}, "bad_image"),
    ("bot", "views.push", {"trigger_id": "x", "view": {}}, "invalid_trigger_id"),
    ("bot", "views.update", {"view_id": "V0", "view": {}}, "not_found"),
    *(("bot", f"workflows.featured.{name}", {"channel_id": "$room", "trigger_ids": ["x"]},
       "error_modifying_workflows") for name in ("add", "remove", "set")),
    ("bot", "workflows.featured.list", {"channel_ids": ["C0"]}, "error_invalid_channels"),
]  # fmt: skip


class Place:
    """A workspace in which there is one of everything."""

    def __init__(self, workspace: Any) -> None:
        self.workspace = workspace
        universe = workspace.universe
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        env = universe.env("slack", "http://twin")
        kinds = ("bot", "user", "app", "config")
        self.tokens = {kind: env[f"SLACK_{kind.upper()}_TOKEN"] for kind in kinds}
        email = universe.pick("it", 1)["email"]
        self.things = {
            "app": env["SLACK_APP_ID"],
            "room": workspace.channel("it"),
            "general": env["SLACK_CHANNEL_ID"],
            "person": workspace.user("it", 1),
        }
        self.things["ts"] = self("bot", "chat.postMessage", channel="$room", text="x")["ts"]
        im = self("bot", "conversations.open", users="$person")
        self.things["im"] = im["channel"]["id"]
        self.things["canvas"] = self("bot", "canvases.create", title="c")["canvas_id"]
        schema = [
            {"key": "a", "name": "A", "type": "text", "is_primary_column": True},
            {"key": "d", "name": "D", "type": "date"},
            {"key": "m", "name": "M", "type": "created_by"},
        ]
        made = self("bot", "slackLists.create", name="l", schema=schema)
        columns = [column["id"] for column in made["list_metadata"]["schema"]]
        self.things |= {"list": made["list_id"]}
        self.things |= dict(zip(("column", "date", "made"), columns, strict=True))
        self.things["item"] = self("bot", "slackLists.items.create", list_id="$list")["item"]["id"]
        ticket = self("bot", "files.getUploadURLExternal", filename="a", length=1)
        path = "/upload/" + ticket["upload_url"].partition("/upload/")[2]
        universe.handle("slack", Request.build("POST", path, {}, b"x"))
        self.things["file"] = ticket["file_id"]
        self("bot", "files.completeUploadExternal", files=[{"id": "$file"}], channel_id="$room")
        sent = self("bot", "conversations.inviteShared", channel="$room", emails="a@b.example")
        self.things["sent"] = sent["invite_id"]
        args = {"user": email, "channel": "it", "email": "a@b.example"}
        self.things["request"] = universe.apply("slack", "connect_request", args)["invite"]
        received = universe.apply("slack", "connect_invite", {"channel": "theirs"})
        self.things["received"] = received["invite"]

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.things[value[1:]]
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        return value

    def __call__(self, kind: str, method: str, **args: Any) -> Any:
        head = {
            "authorization": f"Bearer {self.tokens[kind]}",
            "content-type": "application/json; charset=utf-8",
        }
        body = json.dumps(self._filled(args))
        request = Request.build("POST", f"/api/{method}", head, body)
        return self.workspace.universe.handle("slack", request).data()


@pytest.fixture
def place(workspace: Any) -> Place:
    return Place(workspace)


def test_every_refusal_has_its_name(place: Place) -> None:
    wrong = []
    for kind, method, args, error in REFUSED:
        answer = place(kind, method, **args)
        if answer.get("error") != error:
            wrong.append(f"{method} {args}: {answer}")
        elif not may_answer(method, error):
            wrong.append(f"{method}: Slack knows no {error} of it")
    assert wrong == [], "\n".join(wrong)


def test_scopes_and_kinds_of_tokens_are_told(place: Place) -> None:
    place.workspace.universe.apply("slack", "set_token", {"scopes": ["users:read"]})
    answer = place("bot", "slackLists.create", name="x")
    assert answer == {
        "ok": False,
        "error": "missing_scope",
        "needed": "lists:write",
        "provided": "users:read",
    }
    assert place("config", "users.list")["error"] == "not_allowed_token_type"
    assert place("app", "chat.postMessage")["error"] == "not_allowed_token_type"
