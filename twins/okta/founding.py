"""What every organisation has from its first day among the managed resources."""

from typing import Any, Final

from factory_tui.universe import Key, Row, Seed

from . import seeds
from .agents import FEATURES
from .authenticators import SEEDED
from .branding import default_theme
from .built_in import BUILT_IN, built_in
from .policy_defaults import MFA_ENROLL, PASSWORD, default_rule

__all__ = ["founding"]

_SETTINGS: Final = {"PASSWORD": PASSWORD, "MFA_ENROLL": MFA_ENROLL}
_ABOUT: Final = {
    "ACCESS_POLICY": "Require two factors to access.",
    "PROFILE_ENROLLMENT": "The default policy for applications.",
}


def founding(seed: Seed, owner: str, everyone: str) -> dict[Key, Row]:
    """Rows of the table ``things``: default policies, zones, authenticators, brand, realm …

    Args:
        seed: What ids and times come from.
        owner: The id of the first administrator.
        everyone: The id of the group Everyone.
    """
    found: dict[Key, Row] = {}

    def put(resource: str, prefix: str, fields: Row, parent: str = "", **more: Any) -> str:
        key = more.pop("id", "") or seeds.new_id(seed.ids.mint, prefix)
        row: Row = {
            "id": key,
            "key": key,
            "n": len(found) + 1,
            "kind": resource,
            "parent": parent,
            "status": "ACTIVE",
            "created": seed.epoch,
            "createdBy": owner,
            "lastUpdated": seed.epoch,
            "lastUpdatedBy": owner,
            "fields": fields,
            "hidden": {},
        } | more
        found[resource, row["key"]] = row
        return key

    def own_id(prefix: str) -> str:
        # Of their own draws: ids of what is made later stay what they were.
        return seeds.new_id(
            lambda kind, length, **more: seed.ids.mint(f"founding {kind}", length, **more), prefix
        )

    policies: dict[str, str] = {}
    everybody = {"people": {"groups": {"include": [everyone]}}}
    for name, kind, conditions in (
        ("Default Policy", "OKTA_SIGN_ON", everybody),
        ("Default Policy", "PASSWORD", {"authProvider": {"provider": "OKTA"}, **everybody}),
        ("Default Policy", "MFA_ENROLL", everybody),
        ("Idp Discovery Policy", "IDP_DISCOVERY", None),
    ):
        fields = _policy(name, kind, conditions, system=True)
        fields |= {"settings": _SETTINGS[kind]} if kind in _SETTINGS else {}
        policies[kind] = put("policies", "00p", fields, hidden={"default": True})
    for name, kind, app in (
        ("Okta Admin Console", "ACCESS_POLICY", "Okta Admin Console"),
        ("Any two factors", "ACCESS_POLICY", ""),
        ("Default Policy", "PROFILE_ENROLLMENT", ""),
    ):
        hidden = {"app": app} if app else {"default": True}
        fields = _policy(name, kind, None, system=not app)
        if not app:
            fields["description"] = _ABOUT[kind]
        policies[app or kind] = put("policies", "rst", fields, hidden=hidden)
    for name, usage in (("BlockedIpZone", "BLOCKLIST"), ("LegacyIpZone", "POLICY")):
        fields = {
            "type": "IP",
            "name": name,
            "usage": usage,
            "gateways": None,
            "proxies": None,
            "system": True,
        }
        put("zones", "nzo", fields)
    names = {
        "okta_email": ("email", "Email"),
        "okta_password": ("password", "Password"),
        "phone_number": ("phone", "Phone"),
        "security_question": ("security_question", "Security Question"),
        "okta_verify": ("app", "Okta Verify"),
    }
    for key, status, settings in SEEDED:
        fields = {"type": names[key][0], "key": key, "name": names[key][1]}
        if settings is not None:
            fields["settings"] = settings
        put("authenticators", "aut", fields, status=status)
    look = {"removePoweredByOkta": False, "customPrivacyPolicyUrl": None}
    brand = put("brands", "bnd", look, hidden={"default": True})
    put("themes", "the", default_theme(), brand)
    put("realms", "guo", {"profile": {"name": "Default Realm"}, "isDefault": True})
    controls = [
        {
            "type": "Control",
            "scope": f"#/properties/{name}",
            "label": label,
            "options": {"format": "text"},
        }
        for name, label in (
            ("firstName", "First name"),
            ("lastName", "Last name"),
            ("email", "Email"),
        )
    ]
    put("uischemas", "uis", {"uiSchema": {"type": "Group", "elements": controls}})
    behaviours: tuple[tuple[str, str, Row], ...] = (
        (
            "New Geo-Location",
            "ANOMALOUS_LOCATION",
            {"granularity": "LAT_LONG", "radiusKilometers": 20},
        ),
        ("New Device", "ANOMALOUS_DEVICE", {}),
        ("New IP", "ANOMALOUS_IP", {}),
        ("Velocity", "VELOCITY", {"velocityKph": 805}),
    )
    for name, kind, numbers in behaviours:
        counts: Row = {"minEventsNeededForEvaluation": 0, "maxEventsUsedForEvaluation": 20}
        full: Row = numbers if kind == "VELOCITY" else {**counts, **numbers}
        put("behaviours", "bhv", {"name": name, "type": kind, "settings": full})
    keys: list[str] = []
    for name, about, needs in FEATURES:
        fields = {"name": name, "description": about, "needs": [keys[n] for n in needs]}
        keys.append(put("features", "ftr", fields, status="DISABLED"))
    for kind, policy in policies.items():
        put("policy_rules", "0pr", default_rule(kind), policy, id=own_id("0pr"))
    for name in BUILT_IN:
        admin = {"ACCESS_POLICY": policies["Okta Admin Console"]} if name == "saasure" else {}
        put("apps", "0oa", built_in(name), id=own_id("0oa"), hidden=admin)
    return found


def _policy(name: str, kind: str, conditions: Any, *, system: bool) -> Row:
    about = "The default policy applies in all situations if no other policy applies."
    return {
        "type": kind,
        "name": name,
        "priority": 1,
        "system": system,
        "conditions": conditions,
        "description": about if system else "",
    }
