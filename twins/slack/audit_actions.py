"""What the Audit Logs API says about itself: its actions by area, and the shapes of entities."""

from typing import Any, Final

__all__ = ["ACTIONS", "SCHEMAS"]


def _words(text: str) -> list[str]:
    return text.split()


ACTIONS: Final[dict[str, list[str]]] = {
    "workspace_or_org": _words(
        "workspace_created workspace_deleted workspace_accepted_migration "
        "workspace_declined_migration migration_scheduled organization_created "
        "organization_deleted organization_accepted_migration organization_declined_migration "
        "billing_address_added emoji_added emoji_removed emoji_aliased emoji_renamed "
        "message_retention_changed manual_export_started manual_export_completed "
        "manual_export_downloaded manual_export_deleted corporate_exports_approved "
        "corporate_exports_enabled scheduled_export_started scheduled_export_completed "
        "channels_export_started channels_export_completed ekm_enrolled ekm_unenrolled "
        "ekm_key_added ekm_key_removed pref.sso_setting_changed pref.two_factor_auth_changed "
        "pref.who_can_manage_public_channels pref.dm_retention_changed"
    ),
    "user": _words(
        "user_login user_login_failed user_logout user_created user_deactivated "
        "user_reactivated user_email_updated user_profile_updated role_change_to_admin "
        "role_change_to_owner role_change_to_user role_change_to_guest guest_created "
        "guest_deactivated guest_reactivated guest_expiration_set owner_transferred "
        "custom_tos_accepted user_session_invalidated user_session_reset_by_admin "
        "user_force_upgrade"
    ),
    "file": _words(
        "file_uploaded file_downloaded file_downloaded_blocked file_deleted file_shared "
        "file_public_link_created file_public_link_revoked file_malicious_content_detected "
        "file_share_invite_created"
    ),
    "channel": _words(
        "public_channel_created private_channel_created public_channel_archive "
        "private_channel_archive public_channel_unarchive private_channel_unarchive "
        "public_channel_deleted private_channel_deleted public_channel_converted_to_private "
        "private_channel_converted_to_public user_channel_join user_channel_leave "
        "guest_channel_join guest_channel_leave channel_renamed channel_topic_changed "
        "channel_purpose_changed channel_moved channel_posting_permissions_updated "
        "channel_retention_changed external_shared_channel_connected "
        "external_shared_channel_disconnected external_shared_channel_invite_sent "
        "external_shared_channel_invite_accepted group_converted_to_channel "
        "mpim_converted_to_private"
    ),
    "app": _words(
        "app_installed app_uninstalled app_scopes_expanded app_approved app_restricted "
        "app_removed_from_whitelist app_resources_granted app_token_preserved bot_token_upgraded "
        "bot_token_downgraded org_app_workspace_added org_app_workspace_removed "
        "app_manifest_created app_manifest_updated app_deleted"
    ),
    "workflow_builder": _words(
        "workflow_created workflow_deleted workflow_published workflow_unpublished "
        "workflow_responses_csv_download"
    ),
    "message": _words(
        "message_deleted message_edited message_flagged message_restored message_tombstoned"
    ),
    "barrier": _words("barrier_created barrier_updated barrier_deleted"),
    "huddle": _words(
        "huddle_started huddle_ended huddle_participant_joined huddle_participant_left "
        "huddle_screenshare_on huddle_screenshare_off"
    ),
    "anomaly": _words("anomaly excessive_downloads"),
    "subteam": _words(
        "subteam_created subteam_updated subteam_disabled subteam_enabled subteam_members_changed"
    ),
    "role": _words("role_assigned role_removed role_modified"),
    "workflow_v2": _words("workflow_v2_created workflow_v2_published workflow_v2_deleted"),
    "canvas": _words("canvas_created canvas_edited canvas_deleted canvas_shared canvas_opened"),
    "list": _words("list_created list_edited list_deleted list_shared list_opened"),
}
"""Area to the names of its actions."""


def _shape(what: str, *texts: str, **others: str) -> dict[str, Any]:
    return {"type": what, what: {**dict.fromkeys(texts, "string"), **others}}


SCHEMAS: Final[list[dict[str, Any]]] = [
    _shape("workspace", "id", "name", "domain"),
    _shape("enterprise", "id", "name", "domain"),
    _shape("user", "id", "name", "email", "team"),
    _shape("file", "id", "name", "filetype", "title"),
    _shape(
        "channel",
        "id",
        "name",
        "privacy",
        is_shared="bool",
        is_org_shared="bool",
        teams_shared_with="array of strings",
    ),
    _shape(
        "app",
        "id",
        "name",
        is_distributed="bool",
        is_directory_approved="bool",
        is_workflow_app="bool",
        scopes="array of strings",
    ),
    _shape("workflow", "id", "name"),
    _shape("barrier", "id", "primary_usergroup", barriered_from_usergroup="array of strings"),
    _shape("message", "team", "channel", "timestamp"),
    _shape("usergroup", "id", "name"),
    _shape("role", "id", "name", "type"),
    _shape("canvas", "id", "filetype", "title"),
]
"""The things that actions are done to."""
