"""One good body for every type of what comes in types: what the client tells apart by a field."""

from typing import Any, Final

from .samples import HOOK

_PEOPLE: Final[dict[str, Any]] = {"people": {"users": {"exclude": []}}}
_OIDC: Final = {
    "type": "OIDC",
    "scopes": ["openid"],
    "credentials": {"client": {"client_id": "a", "client_secret": "b"}},
    "endpoints": {
        "authorization": {"url": "https://idp.example/authorize", "binding": "HTTP-REDIRECT"},
        "token": {"url": "https://idp.example/token", "binding": "HTTP-POST"},
        "userInfo": {"url": "https://idp.example/userinfo", "binding": "HTTP-REDIRECT"},
        "jwks": {"url": "https://idp.example/keys", "binding": "HTTP-REDIRECT"},
    },
    "issuer": {"url": "https://idp.example"},
}
_POLICY: Final = {
    "accountLink": {"action": "AUTO", "filter": None},
    "provisioning": {
        "action": "AUTO",
        "conditions": {"deprovisioned": {"action": "NONE"}, "suspended": {"action": "NONE"}},
        "groups": {"action": "NONE"},
    },
    "maxClockSkew": 0,
    "subject": {"userNameTemplate": {"template": "idpuser.email"}, "matchType": "USERNAME"},
}


def _social(kind: str) -> dict[str, Any]:
    protocol = {
        "type": "OIDC" if kind in ("GOOGLE", "APPLE", "MICROSOFT", "LINKEDIN") else "OAUTH2",
        "scopes": ["email", "profile"],
        "credentials": {"client": {"client_id": "a", "client_secret": "b"}},
    }
    return {"type": kind, "name": kind.title(), "protocol": protocol, "policy": _POLICY}


def _oauth(kind: str, grants: list[str], responses: list[str]) -> dict[str, Any]:
    return {
        "name": "oidc_client",
        "label": f"OIDC {kind}",
        "signOnMode": "OPENID_CONNECT",
        "credentials": {
            "oauthClient": {
                "token_endpoint_auth_method": "none"
                if kind in ("browser", "native")
                else "client_secret_post",
                "autoKeyRotation": True,
            }
        },
        "settings": {
            "oauthClient": {
                "application_type": kind,
                "grant_types": grants,
                "response_types": responses,
                "redirect_uris": ["https://app.example/callback"],
            }
        },
    }


APPS: Final[dict[str, dict[str, Any]]] = {
    "bookmark": {
        "name": "bookmark",
        "label": "Bookmark",
        "signOnMode": "BOOKMARK",
        "settings": {"app": {"requestIntegration": False, "url": "https://example.com"}},
    },
    "basic": {
        "name": "template_basic_auth",
        "label": "Basic",
        "signOnMode": "BASIC_AUTH",
        "settings": {"app": {"url": "https://example.com", "authURL": "https://example.com/a"}},
    },
    "swa": {
        "name": "template_swa",
        "label": "SWA",
        "signOnMode": "BROWSER_PLUGIN",
        "settings": {
            "app": {
                "buttonField": "btn",
                "passwordField": "pw",
                "usernameField": "user",
                "url": "https://example.com/login",
                "loginUrlRegex": "REGEX",
            }
        },
    },
    "auto": {
        "label": "Auto",
        "signOnMode": "AUTO_LOGIN",
        "settings": {
            "signOn": {"loginUrl": "https://example.com/l", "redirectUrl": "https://example.com/r"}
        },
    },
    "sps": {
        "name": "template_sps",
        "label": "SPS",
        "signOnMode": "SECURE_PASSWORD_STORE",
        "settings": {
            "app": {
                "url": "https://example.com/login",
                "passwordField": "pw",
                "usernameField": "user",
                "optionalField1": "a",
                "optionalField1Value": "b",
            }
        },
    },
    "wsfed": {
        "name": "template_wsfed",
        "label": "WS-Fed",
        "signOnMode": "WS_FEDERATION",
        "settings": {
            "app": {
                "audienceRestriction": "urn:example:app",
                "groupName": None,
                "groupValueFormat": "windowsDomainQualifiedName",
                "realm": "urn:example:app",
                "wReplyURL": "https://example.com/",
                "attributeStatements": None,
                "nameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
                "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
                "siteURL": "https://example.com",
                "wReplyOverride": False,
                "groupFilter": None,
                "usernameAttribute": "username",
            }
        },
    },
    "saml": {
        "label": "SAML",
        "signOnMode": "SAML_2_0",
        "settings": {
            "signOn": {
                "defaultRelayState": "",
                "ssoAcsUrl": "https://example.com/acs",
                "idpIssuer": "https://www.okta.com/${org.externalKey}",
                "audience": "https://example.com/entity",
                "recipient": "https://example.com/acs",
                "destination": "https://example.com/acs",
                "subjectNameIdTemplate": "${user.userName}",
                "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
                "responseSigned": True,
                "assertionSigned": True,
                "signatureAlgorithm": "RSA_SHA256",
                "digestAlgorithm": "SHA256",
                "honorForceAuthn": True,
                "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
                "slo": {"enabled": False},
                "requestCompressed": False,
                "allowMultipleAcsEndpoints": False,
                "acsEndpoints": [],
                "attributeStatements": [
                    {
                        "type": "EXPRESSION",
                        "name": "Attribute",
                        "namespace": "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified",
                        "values": ["Value"],
                    }
                ],
            }
        },
    },
    "web": _oauth("web", ["authorization_code", "refresh_token"], ["code"]),
    "spa": _oauth("browser", ["authorization_code"], ["code"]),
    "native": _oauth("native", ["authorization_code", "implicit"], ["code", "token", "id_token"]),
    "service": _oauth("service", ["client_credentials"], ["token"]),
}
POLICIES: Final[dict[str, dict[str, Any]]] = {
    kind: {"type": kind, "name": kind.title(), "description": "d", "status": "ACTIVE"}
    for kind in (
        "OKTA_SIGN_ON",
        "PASSWORD",
        "MFA_ENROLL",
        "ACCESS_POLICY",
        "PROFILE_ENROLLMENT",
        "IDP_DISCOVERY",
    )
}
_SIGN_ON: Final[dict[str, Any]] = {
    "verificationMethod": {
        "type": "ASSURANCE",
        "factorMode": "1FA",
        "reauthenticateIn": "PT2H",
        "constraints": [{"knowledge": {"types": ["password"], "reauthenticateIn": "PT2H"}}],
    },
    "access": "ALLOW",
}
RULES: Final[dict[str, dict[str, Any]]] = {
    "OKTA_SIGN_ON": {
        "name": "Rule",
        "type": "SIGN_ON",
        "actions": {
            "signon": {
                "access": "ALLOW",
                "requireFactor": False,
                "session": {
                    "maxSessionIdleMinutes": 720,
                    "maxSessionLifetimeMinutes": 720,
                    "usePersistentCookie": False,
                },
            }
        },
        "conditions": {
            "network": {"connection": "ANYWHERE"},
            "authContext": {"authType": "ANY"},
        },
    },
    "PASSWORD": {
        "name": "Rule",
        "type": "PASSWORD",
        "conditions": {**_PEOPLE, "network": {"connection": "ANYWHERE"}},
        "actions": {
            "passwordChange": {"access": "ALLOW"},
            "selfServicePasswordReset": {"access": "ALLOW"},
            "selfServiceUnlock": {"access": "DENY"},
        },
    },
    "MFA_ENROLL": {
        "name": "Rule",
        "type": "MFA_ENROLL",
        "conditions": {**_PEOPLE, "network": {"connection": "ANYWHERE"}},
        "actions": {"enroll": {"self": "CHALLENGE"}},
    },
    "ACCESS_POLICY": {
        "name": "Rule",
        "type": "ACCESS_POLICY",
        "actions": {"appSignOn": _SIGN_ON},
        "conditions": {
            "network": {"connection": "ANYWHERE"},
            "riskScore": {"level": "ANY"},
            "userType": {"include": [], "exclude": []},
        },
    },
    "IDP_DISCOVERY": {
        "name": "Rule",
        "type": "IDP_DISCOVERY",
        "conditions": {
            "network": {"connection": "ANYWHERE"},
            "userIdentifier": {
                "patterns": [{"matchType": "SUFFIX", "value": "acme.example"}],
                "type": "IDENTIFIER",
            },
            "app": {"include": [], "exclude": []},
            "platform": {
                "include": [{"type": "MOBILE", "os": {"type": "OSX"}}],
                "exclude": [],
            },
        },
        "actions": {"idp": {"providers": [{"type": "OIDC", "id": "x"}]}},
    },
}
"""Rules by the type of their policy."""
IDPS: Final[dict[str, dict[str, Any]]] = {
    **{kind: _social(kind) for kind in ("GOOGLE", "FACEBOOK", "LINKEDIN", "MICROSOFT")},
    "OIDC": {"type": "OIDC", "name": "OIDC", "protocol": _OIDC, "policy": _POLICY},
}
FACTORS: Final[dict[str, dict[str, Any]]] = {
    "sms": {"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "+15551234567"}},
    "call": {
        "factorType": "call",
        "provider": "OKTA",
        "profile": {"phoneNumber": "+15551234567", "phoneExtension": "12"},
    },
    "email": {"factorType": "email", "provider": "OKTA", "profile": {"email": "a@acme.example"}},
    "question": {
        "factorType": "question",
        "provider": "OKTA",
        "profile": {"question": "disliked_food", "answer": "meatball"},
    },
    "push": {"factorType": "push", "provider": "OKTA"},
    "totp": {"factorType": "token:software:totp", "provider": "OKTA"},
    "google": {"factorType": "token:software:totp", "provider": "GOOGLE"},
}
OTHERS: Final[list[tuple[str, dict[str, Any]]]] = [
    (
        "/api/v1/zones",
        {
            "type": "IP",
            "name": "IP",
            "gateways": [{"type": "RANGE", "value": "10.0.0.1-10.0.0.9"}],
            "proxies": [{"type": "CIDR", "value": "10.1.0.0/16"}],
        },
    ),
    (
        "/api/v1/zones",
        {
            "type": "DYNAMIC",
            "name": "Dynamic",
            "proxyType": "Tor",
        },
    ),
    (
        "/api/v1/zones",
        {
            "type": "DYNAMIC_V2",
            "name": "Enhanced",
            "ipServiceCategories": {"include": ["ALL_ANONYMIZERS"], "exclude": []},
        },
    ),
    *(
        ("/api/v1/behaviors", {"name": kind, "type": kind, "settings": settings})
        for kind, settings in (
            ("VELOCITY", {"velocityKph": 800}),
            (
                "ANOMALOUS_LOCATION",
                {
                    "maxEventsUsedForEvaluation": 20,
                    "minEventsNeededForEvaluation": 0,
                    "granularity": "CITY",
                },
            ),
            (
                "ANOMALOUS_IP",
                {"maxEventsUsedForEvaluation": 50, "minEventsNeededForEvaluation": 0},
            ),
            (
                "ANOMALOUS_DEVICE",
                {"maxEventsUsedForEvaluation": 20, "minEventsNeededForEvaluation": 0},
            ),
        )
    ),
    *(
        ("/api/v1/inlineHooks", {"name": kind, "type": kind, "version": "1.0.0", "channel": HOOK})
        for kind in (
            "com.okta.import.transform",
            "com.okta.oauth2.tokens.transform",
            "com.okta.saml.tokens.transform",
            "com.okta.telephony.provider",
            "com.okta.user.credential.password.import",
            "com.okta.user.pre-registration",
        )
    ),
    *(
        (
            "/api/v1/device-assurances",
            {"name": platform, "platform": platform, **conditions},
        )
        for platform, conditions in (
            ("ANDROID", {"osVersion": {"minimum": "12.0"}, "jailbreak": False}),
            ("IOS", {"osVersion": {"minimum": "16.0"}, "jailbreak": False}),
            (
                "MACOS",
                {
                    "osVersion": {"minimum": "13.0"},
                    "diskEncryptionType": {"include": ["ALL_INTERNAL_VOLUMES"]},
                    "screenLockType": {"include": ["PASSCODE", "BIOMETRIC"]},
                },
            ),
            ("WINDOWS", {"osVersion": {"minimum": "10.0.19041"}, "secureHardwarePresent": True}),
        )
    ),
    (
        "/api/v1/push-providers",
        {
            "name": "FCM",
            "providerType": "FCM",
            "configuration": {
                "fileName": "f.json",
                "serviceAccountJson": {"type": "service_account", "project_id": "p"},
            },
        },
    ),
    *(
        ("/api/v1/captchas", {"name": k, "siteKey": "a", "secretKey": "b", "type": k})
        for k in ("HCAPTCHA",)
    ),
]
