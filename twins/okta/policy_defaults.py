"""What policies and rules hold that nobody gave: settings, and the rules Okta itself makes.

Source: the description's policy schemas, and what recorded organisations of 2020 and 2025 show of
their default policies.
"""

from typing import Any, Final

__all__ = ["MFA_ENROLL", "PASSWORD", "SIGN_ON", "default_rule", "filled"]

PASSWORD: Final[dict[str, Any]] = {
    "password": {
        "complexity": {
            "minLength": 8,
            "minLowerCase": 1,
            "minUpperCase": 1,
            "minNumber": 1,
            "minSymbol": 0,
            "excludeUsername": True,
            "dictionary": {"common": {"exclude": False}},
            "excludeAttributes": [],
        },
        "age": {"maxAgeDays": 0, "expireWarnDays": 0, "minAgeMinutes": 0, "historyCount": 4},
        "lockout": {
            "maxAttempts": 10,
            "autoUnlockMinutes": 0,
            "userLockoutNotificationChannels": [],
            "showLockoutFailures": False,
        },
    },
    "recovery": {
        "factors": {
            "recovery_question": {
                "status": "ACTIVE",
                "properties": {"complexity": {"minLength": 4}},
            },
            "okta_email": {
                "status": "ACTIVE",
                "properties": {"recoveryToken": {"tokenLifetimeMinutes": 60}},
            },
            "okta_sms": {"status": "INACTIVE"},
            "okta_call": {"status": "INACTIVE"},
        }
    },
    "delegation": {"options": {"skipUnlock": False}},
}
"""``settings`` of a password policy."""
MFA_ENROLL: Final[dict[str, Any]] = {
    "type": "AUTHENTICATORS",
    "authenticators": [
        {"key": "okta_email", "enroll": {"self": "OPTIONAL"}},
        {"key": "okta_password", "enroll": {"self": "REQUIRED"}},
    ],
}
"""``settings`` of the default enrolment policy."""
SIGN_ON: Final[dict[str, Any]] = {
    "access": "ALLOW",
    "requireFactor": False,
    "primaryFactor": "PASSWORD_IDP",
    "rememberDeviceByDefault": False,
    "session": {
        "usePersistentCookie": False,
        "maxSessionIdleMinutes": 120,
        "maxSessionLifetimeMinutes": 0,
    },
}
"""``actions.signon`` of a sign-on rule."""
_ANYWHERE: Final[dict[str, Any]] = {"network": {"connection": "ANYWHERE"}}
_NOBODY: Final[dict[str, Any]] = {"people": {"users": {"exclude": []}}}
_ENROLLED: Final = ("email", "Email"), ("firstName", "First name"), ("lastName", "Last name")


def filled(base: Any, given: Any) -> Any:
    """``given`` with what it lacks from ``base``, at every depth."""
    if isinstance(base, dict) and isinstance(given, dict):
        names = [*base, *(name for name in given if name not in base)]
        return {
            name: filled(base[name], given[name])
            if name in base and name in given
            else given[name]
            if name in given
            else filled(base[name], base[name])
            for name in names
        }
    return given


def default_rule(policy: str) -> dict[str, Any]:
    """The fields of the rule that Okta makes for the default policy of a type.

    Args:
        policy: The policy's type, or ``Okta Admin Console`` for that application's.
    """
    kind = {"OKTA_SIGN_ON": "SIGN_ON", "Okta Admin Console": "ACCESS_POLICY"}.get(policy, policy)
    last = policy in _CATCHING
    made: tuple[Any, Any] = {
        "OKTA_SIGN_ON": (
            {**_NOBODY, **_ANYWHERE, "authContext": {"authType": "ANY"}},
            {"signon": SIGN_ON},
        ),
        "PASSWORD": (
            {**_NOBODY, **_ANYWHERE},
            {
                "passwordChange": {"access": "ALLOW"},
                "selfServicePasswordReset": {"access": "ALLOW"},
                "selfServiceUnlock": {"access": "DENY"},
            },
        ),
        "MFA_ENROLL": ({**_NOBODY, **_ANYWHERE}, {"enroll": {"self": "CHALLENGE"}}),
        "IDP_DISCOVERY": (
            {
                **_ANYWHERE,
                "platform": {"include": [{"type": "ANY", "os": {"type": "ANY"}}], "exclude": []},
                "userIdentifier": {"patterns": []},
                "app": {"include": [], "exclude": []},
            },
            {"idp": {"providers": [{"type": "OKTA"}], "idpSelectionType": "SPECIFIC"}},
        ),
        "PROFILE_ENROLLMENT": (None, {"profileEnrollment": _ENROLLMENT}),
    }.get(policy, (None, {"appSignOn": _ANY_TWO}))
    conditions, actions = made
    return {
        "name": "Catch-all Rule" if last else "Default Rule",
        "priority": 99 if last else 1,
        "system": True,
        "conditions": filled(conditions, conditions),
        "actions": filled(actions, actions),
        "type": kind,
    }


_CATCHING: Final = frozenset({"ACCESS_POLICY", "Okta Admin Console", "PROFILE_ENROLLMENT"})
_ANY_TWO: Final[dict[str, Any]] = {
    "access": "ALLOW",
    "verificationMethod": {
        "factorMode": "2FA",
        "type": "ASSURANCE",
        "reauthenticateIn": "PT2H",
        "constraints": [],
    },
}
_ENROLLMENT: Final[dict[str, Any]] = {
    "access": "ALLOW",
    "preRegistrationInlineHooks": None,
    "profileAttributes": [
        {"name": name, "label": label, "required": True} for name, label in _ENROLLED
    ],
    "targetGroupIds": None,
    "unknownUserAction": "DENY",
    "activationRequirements": {"emailVerification": True},
}
