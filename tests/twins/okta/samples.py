"""A good body for everything that can be made, by the path of its list."""

from typing import Any

HOOK: dict[str, Any] = {
    "type": "HTTP",
    "version": "1.0.0",
    "config": {
        "uri": "https://hooks.example/in",
        "authScheme": {"type": "HEADER", "key": "authorization", "value": "s3cret"},
    },
}
CLIENT: dict[str, Any] = {
    "name": "oidc_client",
    "label": "Client",
    "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
    "settings": {
        "oauthClient": {
            "grant_types": ["client_credentials"],
            "response_types": ["token"],
            "application_type": "service",
        }
    },
}
IDP: dict[str, Any] = {
    "type": "OIDC",
    "name": "Elsewhere",
    "protocol": {
        "type": "OIDC",
        "endpoints": {"authorization": {"url": "https://idp.example/a", "binding": "HTTP-POST"}},
        "scopes": ["openid"],
        "credentials": {"client": {"client_id": "a", "client_secret": "b"}},
    },
}
GOOD: dict[str, dict[str, Any]] = {
    "/api/v1/apps": CLIENT,
    "/api/v1/authorizationServers": {"name": "API", "description": "d", "audiences": ["api://x"]},
    "/api/v1/policies": {"type": "OKTA_SIGN_ON", "name": "Strict", "description": "d"},
    "/api/v1/zones": {
        "type": "IP",
        "name": "Office",
        "gateways": [{"type": "CIDR", "value": "10.0.0.0/8"}],
    },
    "/api/v1/trustedOrigins": {
        "name": "Portal",
        "origin": "https://portal.example",
        "scopes": [{"type": "CORS"}],
    },
    "/api/v1/behaviors": {"name": "Fast", "type": "VELOCITY", "settings": {"velocityKph": 900}},
    "/api/v1/logStreams": {
        "type": "aws_eventbridge",
        "name": "Stream",
        "settings": {"accountId": "123456789012", "eventSourceName": "s", "region": "us-east-1"},
    },
    "/api/v1/eventHooks": {
        "name": "Hook",
        "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]},
        "channel": HOOK,
    },
    "/api/v1/inlineHooks": {
        "name": "Inline",
        "type": "com.okta.oauth2.tokens.transform",
        "version": "1.0.0",
        "channel": HOOK,
    },
    "/api/v1/idps": IDP,
    "/api/v1/brands": {"name": "Second"},
    "/api/v1/domains": {"domain": "id.acme.example", "certificateSourceType": "MANUAL"},
    "/api/v1/captchas": {"name": "C", "siteKey": "k", "secretKey": "s", "type": "HCAPTCHA"},
    "/api/v1/device-assurances": {
        "name": "Modern",
        "platform": "MACOS",
        "osVersion": {"minimum": "14.0"},
    },
    "/api/v1/push-providers": {
        "name": "Push",
        "providerType": "APNS",
        "configuration": {"keyId": "A", "teamId": "B", "tokenSigningKey": "k", "fileName": "f.p8"},
    },
    "/api/v1/email-servers": {
        "alias": "relay",
        "authType": "BASIC_SMTP_AUTH",
        "host": "smtp.acme.example",
        "port": 587,
        "username": "okta",
        "password": "s3cret",
        "enabled": True,
    },
    "/api/v1/realms": {"profile": {"name": "Partners"}},
    "/api/v1/realm-assignments": {"name": "By domain", "priority": 1},
    "/api/v1/meta/uischemas": {
        "uiSchema": {
            "type": "Group",
            "elements": [{"type": "Control", "scope": "#/properties/email"}],
        }
    },
    "/api/v1/templates/sms": {
        "name": "Short",
        "type": "SMS_VERIFY_CODE",
        "template": "${code} is it",
    },
    "/api/v1/hook-keys": {"name": "Key"},
    "/api/v1/iam/roles": {
        "label": "Helper",
        "description": "d",
        "permissions": ["okta.users.read", "okta.groups.read"],
    },
    "/api/v1/iam/resource-sets": {
        "label": "Everything",
        "description": "d",
        "resources": ["orn:okta:directory:x:users"],
    },
    "/integrations/api/v1/api-services": {"type": "cerbos", "grantedScopes": ["okta.apps.read"]},
    "/api/v1/authenticators": {"key": "google_otp", "name": "Google Authenticator"},
}
NESTED: dict[str, dict[str, Any]] = {
    "/api/v1/apps/{0}/credentials/jwks": {
        "kty": "EC",
        "crv": "P-256",
        "kid": "k1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    },
    "/api/v1/apps/{0}/credentials/secrets": {},
    "/api/v1/apps/{0}/credentials/csrs": {"subject": {"commonName": "acme.example"}},
    "/api/v1/apps/{0}/grants": {"scopeId": "okta.users.read", "issuer": "https://acme.example"},
    "/api/v1/authorizationServers/{0}/scopes": {"name": "cars:read"},
    "/api/v1/authorizationServers/{0}/claims": {"name": "colour", "value": "user.department"},
    "/api/v1/authorizationServers/{0}/policies": {
        "name": "All",
        "description": "d",
        "conditions": {"clients": {"include": ["ALL_CLIENTS"]}},
    },
    "/api/v1/policies/{0}/rules": {"name": "First"},
    "/api/v1/idps/{0}/credentials/csrs": {"subject": {"commonName": "acme.example"}},
}
"""Below an object of the list before ``{0}``."""
