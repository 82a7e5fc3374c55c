"""The custom authorization server ``default`` that an organisation has from its first day."""

from typing import Any

from factory_tui.universe import Key, Row, Seed

from . import seeds
from .authservers import system_claims, system_scopes

__all__ = ["default_server"]


def default_server(seed: Seed, owner: str, taken: int) -> dict[Key, Row]:
    """Rows of the table ``things``: the server, its scopes, claims, policy and rule.

    Args:
        seed: What ids and times come from.
        owner: The id of the first administrator.
        taken: The last running number that is taken.
    """
    found: dict[Key, Row] = {}

    def put(resource: str, prefix: str, fields: Row, parent: str, key: str = "") -> str:
        key = key or seeds.new_id(seed.ids.mint, prefix)
        found[resource, key] = {
            "id": key,
            "key": key,
            "n": taken + len(found) + 1,
            "kind": resource,
            "parent": parent,
            "status": "ACTIVE",
            "created": seed.epoch,
            "createdBy": owner,
            "lastUpdated": seed.epoch,
            "lastUpdatedBy": owner,
            "fields": fields,
            "hidden": {},
        }
        return key

    about: dict[str, Any] = {
        "name": "default",
        "description": "Default Authorization Server for your Applications",
        "audiences": ["api://default"],
        "issuerMode": "ORG_URL",
        "rotationMode": "AUTO",
    }
    server = put("servers", "aus", about, "", "default")
    for scope in system_scopes():
        put("server_scopes", "scp", scope, server)
    for claim in system_claims():
        put("server_claims", "ocl", claim, server)
    policy = {
        "name": "Default Policy",
        "description": "Default policy for your Applications",
        "type": "OAUTH_AUTHORIZATION_POLICY",
        "priority": 1,
        "conditions": {"clients": {"include": ["ALL_CLIENTS"]}},
        "system": False,
    }
    rule = {
        "name": "Default Policy Rule",
        "type": "RESOURCE_ACCESS",
        "priority": 1,
        "system": False,
        "conditions": {
            "people": {
                "users": {"include": [], "exclude": []},
                "groups": {"include": ["EVERYONE"], "exclude": []},
            },
            "grantTypes": {
                "include": [
                    "implicit",
                    "password",
                    "client_credentials",
                    "authorization_code",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ]
            },
            "scopes": {"include": ["*"]},
        },
        "actions": {
            "token": {
                "accessTokenLifetimeMinutes": 60,
                "refreshTokenLifetimeMinutes": 0,
                "refreshTokenWindowMinutes": 10_080,
            }
        },
    }
    put("server_rules", "0pr", rule, put("server_policies", "00p", policy, server))
    return found
