"""Factors of users: enrol, activate, verify, resend, take away."""

import hashlib
import hmac
import re
from base64 import b32encode
from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import (
    DIGITS,
    HEX,
    ApplyError,
    Call,
    Response,
    Row,
    Twin,
    iso,
    op,
    parse_time,
    route,
)

from . import changes, errors, seeds
from .base import body_object
from .fields import INVALID, checked
from .resource import Resource, hinted, link, put_thing, rows_of
from .users import find_user

__all__ = ["FACTORS", "RESOURCES", "FactorOps"]

_USER: Final = "/api/v1/users/{userId}"
_FACTOR: Final = _USER + "/factors/{factorId}"
_PHONE: Final = re.compile(r"\+?[\d\-(). ]{6,30}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PREFIXES: Final = {"sms": "mbl", "call": "clf", "email": "emf", "push": "opf", "question": "ufs"}
_KINDS: Final = {
    "question": ("OKTA",),
    "sms": ("OKTA",),
    "call": ("OKTA",),
    "email": ("OKTA",),
    "push": ("OKTA",),
    "token:software:totp": ("OKTA", "GOOGLE"),
    "token": ("RSA", "SYMANTEC"),
    "token:hardware": ("YUBICO",),
    "token:hotp": ("CUSTOM",),
    "u2f": ("FIDO",),
    "webauthn": ("FIDO",),
    "signed_nonce": ("OKTA",),
}
_QUESTIONS: Final = {
    "disliked_food": "What is the food you least liked as a child?",
    "name_of_first_plush_toy": "What is the name of your first stuffed animal?",
    "first_award": "What did you earn your first medal or award for?",
    "favorite_security_question": "What is your favorite security question?",
    "favorite_toy": "What is the toy/stuffed animal you liked the most as a kid?",
    "first_computer_game": "What was the first computer game you played?",
    "favorite_movie_quote": "What is your favorite movie quote?",
    "first_sports_team_mascot": "What was the mascot of the first sports team you played on?",
    "first_music_purchase": "What music album or song did you first purchase?",
    "favorite_art_piece": "What is your favorite piece of art?",
    "grandmother_favorite_desert": "What was your grandmother's favorite dessert?",
    "first_thing_cooked": "What was the first thing you learned to cook?",
    "childhood_dream_job": "What was your dream job as a child?",
    "place_where_significant_other_was_met": "Where did you meet your spouse/significant other?",
    "favorite_vacation_location": "Where did you go for your favorite vacation?",
    "new_years_two_thousand": "Where were you on New Year's Eve in the year 2000?",
    "favorite_speaker_actor": "Who is your favorite speaker/orator?",
    "favorite_book_movie_character": "Who is your favorite book/movie character?",
    "favorite_sports_player": "Who is your favorite sports player?",
}


def totp(secret: str, counter: int) -> str:
    """The six digits of a counter (RFC 4226)."""
    digest = hmac.new(secret.encode(), counter.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


class Factors(Resource):
    """``/api/v1/users/{userId}/factors``."""

    name = "factors"
    kind = "UserFactor"
    path = _FACTOR
    prefix = "ost"
    verbs: ClassVar[str] = "list create get delete"
    unique = ""
    fields = (
        f"factorType:{'|'.join(_KINDS)}! provider:str! vendorName:str profile:dict={{}} verify:dict"
    )

    def parent_id(self, call: Call) -> str:
        """The user's."""
        return str(find_user(call, call.params["userId"])["id"])

    def do_create(self, call: Call) -> Response:
        """Enrolled; ``activate=true`` spares the code."""
        user = find_user(call, call.params["userId"], alive=True)
        body = self.body(call)
        if body.get("factorType") not in _KINDS:
            raise errors.invalid(call, "factorType", f"factorType: {INVALID}")
        kept = checked(call, body, self.fields)
        kind = kept["factorType"]
        if kept["provider"] not in _KINDS[kind]:
            raise errors.invalid(call, "provider", f"provider: {INVALID}")
        profile, hidden = _profile(call, kind, kept["profile"])
        for row in self.rows(call.twin, user["id"]):
            same = (row["fields"]["factorType"], row["fields"]["provider"]) == (
                kind,
                kept["provider"],
            )
            if same and row["status"] == "ACTIVE" and kind not in ("webauthn", "u2f"):
                sentence = "A factor of this type is already set up."
                raise errors.invalid(call, "factorEnrollRequest", sentence)
            if same and row["status"] != "ACTIVE":
                self.remove(call.twin, row)
        at_once = kind == "question" or call.request.query.get("activate", "").lower() == "true"
        fields = {
            "factorType": kind,
            "provider": kept["provider"],
            "vendorName": kept.get("vendorName") or kept["provider"],
            "profile": profile,
        }
        row = self.put_new(
            call.twin,
            fields,
            user["id"],
            id=self._new_id(call, kind),
            status="ACTIVE" if at_once else "PENDING_ACTIVATION",
            hidden=hidden,
        )
        if not at_once:
            row = self._send(call, row)
        else:
            changes.log_about(call, "user.mfa.factor.activate", "Activate factor for user")
        return Response.json(self.shown(call, row))

    def enrol_phone(self, call: Call, user: Row, given: dict[str, Any]) -> Row:
        """A phone for text messages that needs no code; refuses a second one."""
        profile, hidden = _profile(call, "sms", given)
        for row in self.rows(call.twin, user["id"]):
            if row["fields"]["factorType"] == "sms" and row["status"] == "ACTIVE":
                sentence = "A factor of this type is already set up."
                raise errors.invalid(call, "factorEnrollRequest", sentence)
        fields = {
            "factorType": "sms",
            "provider": "OKTA",
            "vendorName": "OKTA",
            "profile": profile,
        }
        key = self._new_id(call, "sms")
        row = self.put_new(call.twin, fields, user["id"], id=key, hidden=hidden)
        changes.log_about(call, "user.mfa.factor.activate", "Activate factor for user")
        return row

    def _new_id(self, call: Call, kind: str) -> str:
        return seeds.new_id(call.twin.ids.mint, _PREFIXES.get(kind, "ost"))

    def _send(self, call: Call, row: Row) -> Row:
        """A fresh code, which lasts five minutes."""
        code = call.twin.ids.mint("otp", 6, alphabet=DIGITS)
        until = iso(call.twin.clock.now() + timedelta(minutes=5))
        return self.put(call, row, hidden={**row["hidden"], "code": code, "until": until})

    def deleting(self, call: Call, row: Row) -> None:
        """Its event."""
        changes.log_about(call, "user.mfa.factor.deactivate", "Reset factor for user")

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The factor; a shared secret only until it is activated."""
        fields = row["fields"]
        shown = {
            "id": row["id"],
            **{name: value for name, value in fields.items() if name != "profile"},
            "status": row["status"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "profile": fields["profile"],
            "_links": self.links(call, row),
        }
        if fields["factorType"] == "question" or not fields["profile"]:
            shown = {name: value for name, value in shown.items() if value != {}}
        if row["status"] == "PENDING_ACTIVATION":
            activation = self._activation(call, row)
            shown |= {"_embedded": {"activation": activation}} if activation else {}
        return shown

    def _activation(self, call: Call, row: Row) -> dict[str, Any]:
        """What an authenticator needs to be set up."""
        kind = row["fields"]["factorType"]
        href = link(call, f"users/{row['parent']}/factors/{row['id']}")
        code = {"href": f"{href}/qr/{row['id'][::-1]}", "type": "image/png"}
        secret = row["hidden"].get("secret")
        if secret:
            return {
                "timeStep": 30,
                "sharedSecret": b32encode(secret.encode()).decode().rstrip("="),
                "encoding": "base32",
                "keyLength": 16,
                "_links": {"qrcode": code},
            }
        if kind == "push":
            until = parse_time(row["created"]) + timedelta(minutes=5)
            send = [
                {"name": way, **hinted(f"{href}/lifecycle/activate/{way}", "POST")}
                for way in ("email", "sms")
            ]
            return {
                "expiresAt": iso(until)[:19] + ".000Z",
                "factorResult": "WAITING",
                "_links": {"send": send, "qrcode": code},
            }
        if kind == "webauthn":
            profile = call.twin["users"][row["parent"]]["profile"]
            return {
                "attestation": "direct",
                "authenticatorSelection": {
                    "userVerification": "optional",
                    "requireResidentKey": False,
                },
                "challenge": row["hidden"].get("challenge", ""),
                "excludeCredentials": [],
                "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in (-7, -257)],
                "rp": {"name": call.twin["org"]["org"]["companyName"]},
                "u2fParams": {"appid": call.request.base_url},
                "user": {
                    "displayName": seeds.full_name({"profile": profile}),
                    "name": profile["login"],
                    "id": row["parent"],
                },
            }
        return {}

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        user = link(call, f"users/{row['parent']}")
        href = f"{user}/factors/{row['id']}"
        kind = row["fields"]["factorType"]
        waiting = row["status"] == "PENDING_ACTIVATION"
        links: dict[str, Any] = {}
        if waiting and kind in ("sms", "call", "email"):
            resend = {"name": kind, "href": f"{href}/resend", "hints": {"allow": ["POST"]}}
            links["resend"] = resend
        if waiting:
            links["activate"] = hinted(f"{href}/lifecycle/activate", "POST")
            if kind == "push":
                links["poll"] = hinted(f"{href}/lifecycle/activate", "POST")
        elif kind not in ("push", "signed_nonce"):
            links["verify"] = hinted(f"{href}/verify", "POST")
        links["self"] = hinted(href, *(("GET",) if waiting else ("GET", "DELETE")))
        links["user"] = hinted(user, "GET")
        return links

    @route("POST", _FACTOR + "/lifecycle/activate", "")
    def activate(self, call: Call) -> Response:
        """With the code that was sent, or the one the authenticator shows."""
        row = self.find(call)
        if row["status"] != "PENDING_ACTIVATION":
            raise errors.invalid(call, "factorActivationRequest", "The factor is already active.")
        if row["fields"]["factorType"] == "push" and not call.request.body:
            return self._waiting(call, row)
        self._check_code(call, row)
        row = self.put(call, row, status="ACTIVE", hidden={**row["hidden"], "code": None})
        changes.log_about(call, "user.mfa.factor.activate", "Activate factor for user")
        return Response.json(self.shown(call, row))

    @route("POST", _FACTOR + "/verify", "")
    def verify(self, call: Call) -> Response:
        """Without a code one is sent (CHALLENGE); with the right one SUCCESS."""
        row = self.find(call)
        if row["status"] != "ACTIVE":
            raise errors.invalid(call, "factorVerifyRequest", "The factor is not active.")
        body = body_object(call) if call.request.body else {}
        kind = row["fields"]["factorType"]
        if kind == "push" and not body.get("passCode"):
            return self._push(call, row)
        if kind in ("sms", "call", "email") and not body.get("passCode"):
            self._send(call, row)
            return Response.json({"factorResult": "CHALLENGE", "_links": self.links(call, row)})
        if kind == "question":
            if body.get("answer") != row["hidden"].get("answer"):
                sentence = "Invalid Passcode/Answer"
                cause = "Your answer doesn't match our records. Please try again."
                raise errors.refuse(call, 403, "E0000068", sentence, cause)
        else:
            self._check_code(call, row)
        return Response.json({"factorResult": "SUCCESS"})

    @route("POST", _FACTOR + "/resend", "")
    def resend(self, call: Call) -> Response:
        """Another code."""
        row = self.find(call)
        if call.request.body:
            body_object(call)
        if row["fields"]["factorType"] not in ("sms", "call", "email"):
            raise errors.invalid(call, "factorType", f"factorType: {INVALID}")
        return Response.json(self.shown(call, self._send(call, row)))

    def _waiting(self, call: Call, row: Row) -> Response:
        """A phone that nobody has scanned the code with yet."""
        poll = hinted(f"{self.href(call, row)}/lifecycle/activate", "POST")
        return Response.json({"factorResult": "WAITING", "_links": {"poll": poll}})

    def _push(self, call: Call, row: Row) -> Response:
        """A question on the user's phone: WAITING, until a scenario or the time answers it."""
        until = iso(call.twin.clock.now() + timedelta(minutes=5))
        fields = {"until": until, "answer": ""}
        made = put_thing(call.twin, "transactions", "ftr", fields, row["id"])
        href = f"{self.href(call, row)}/transactions/{made['id']}"
        links = {"poll": hinted(href, "GET"), "cancel": hinted(href, "DELETE")}
        shown = {"factorResult": "WAITING", "profile": row["fields"]["profile"]}
        return Response.json({**shown, "expiresAt": until, "_links": links})

    @route("GET", _FACTOR + "/transactions/{transactionId}", "")
    def transaction(self, call: Call) -> Response:
        """What became of a question on the user's phone."""
        row = self.find(call)
        key = call.params["transactionId"]
        asked = call.twin["things"].get(("transactions", key))
        if asked is None or asked["parent"] != row["id"]:
            raise errors.not_found(call, key, "FactorTransaction")
        href = self.href(call, row)
        result = asked["fields"]["answer"]
        if not result:
            late = parse_time(asked["fields"]["until"]) < call.twin.clock.now()
            result = "TIMEOUT" if late else "WAITING"
        shown: dict[str, Any] = {"factorResult": result}
        where = f"{href}/transactions/{key}"
        links = {"poll": hinted(where, "GET"), "cancel": hinted(where, "DELETE")}
        if result in ("REJECTED", "TIMEOUT"):
            links = {"verify": hinted(f"{href}/verify", "POST")}
        if result != "SUCCESS":
            shown |= {"profile": row["fields"]["profile"], "_links": links}
        return Response.json(shown)

    def _check_code(self, call: Call, row: Row) -> None:
        body = body_object(call) if call.request.body else {}
        given = body.get("passCode")
        hidden = row["hidden"]
        if given is None and row["fields"]["factorType"] in ("webauthn", "u2f", "push"):
            call.gap(f"{row['fields']['factorType']} assertions")
            raise errors.invalid(call, "factorActivationRequest", "The assertion is not valid.")
        held = False
        if hidden.get("secret"):
            step = call.twin.clock.epoch() // 30
            held = given in {totp(hidden["secret"], step + off) for off in (-1, 0, 1)}
        elif hidden.get("code"):
            fresh = parse_time(hidden["until"]) >= call.twin.clock.now()
            held = fresh and given == hidden["code"]
        if not held:
            cause = "Your token doesn't match our records. Please try again."
            raise errors.refuse(call, 403, "E0000068", "Invalid Passcode/Answer", cause)

    @route("GET", _USER + "/factors/catalog", "")
    def catalog(self, call: Call) -> Response:
        """What the user may enrol, and what is set up."""
        user = self.parent_id(call)
        held = {row["fields"]["factorType"]: row["status"] for row in self.rows(call.twin, user)}
        href = link(call, f"users/{user}/factors")
        return Response.json(
            [
                {
                    "factorType": kind,
                    "provider": provider,
                    "vendorName": provider,
                    "enrollment": "OPTIONAL",
                    "status": held.get(kind, "NOT_SETUP"),
                    "_links": {"enroll": hinted(href, "POST")},
                }
                for kind, providers in _KINDS.items()
                for provider in providers
            ]
        )

    @route("GET", _USER + "/factors/questions", "")
    def questions(self, call: Call) -> Response:
        """The questions Okta knows."""
        self.parent_id(call)
        return Response.json(
            [{"question": key, "questionText": text} for key, text in _QUESTIONS.items()]
        )


def _profile(call: Call, kind: str, given: dict[str, Any]) -> tuple[Row, Row]:
    """What a factor shows of itself, and what it keeps."""
    if kind in ("sms", "call"):
        kept = checked(call, given, "phoneNumber:str! phoneExtension:str")
        if not _PHONE.fullmatch(kept["phoneNumber"]):
            raise errors.invalid(call, "factorEnrollRequest", "Invalid Phone Number.")
        return kept, {}
    if kind == "email":
        kept = checked(call, given, "email:str!")
        if not _EMAIL.fullmatch(kept["email"]):
            raise errors.invalid(call, "email", f"email: {INVALID}")
        return kept, {}
    if kind == "question":
        kept = checked(call, given, "question:str! answer:str!")
        if kept["question"] not in _QUESTIONS:
            raise errors.invalid(call, "question", f"question: {INVALID}")
        if len(kept["answer"]) < 4:
            sentence = "The security question answer must be at least 4 characters in length"
            raise errors.invalid(call, "answer", sentence)
        answer = kept.pop("answer")
        return {**kept, "questionText": _QUESTIONS[kept["question"]]}, {"answer": answer}
    if kind == "token:software:totp":
        login = find_user(call, call.params["userId"])["profile"]["login"]
        return {"credentialId": login}, {"secret": call.twin.ids.mint("totp", 20, alphabet=HEX)}
    if kind.startswith("token"):
        kept = checked(call, given, "credentialId:str!")
        return kept, {}
    if kind == "webauthn":
        return {}, {"challenge": call.twin.ids.mint("challenge", 20)}
    if kind == "push":
        return {"credentialId": find_user(call, call.params["userId"])["profile"]["login"]}, {}
    return {}, {}


class FactorOps:
    """What users do on their phones, for scenarios."""

    @op("scan_push")
    def scan_push(self, twin: Twin, args: Any) -> None:
        """``[email]``: they scan the code of their pending push factor, which becomes ACTIVE."""
        for row in _pushes(twin, args, "scan_push"):
            if row["status"] == "PENDING_ACTIVATION":
                twin["things"].put(("factors", row["key"]), {**row, "status": "ACTIVE"})

    @op("answer_push")
    def answer_push(self, twin: Twin, args: Any) -> None:
        """``{users: [email], answer: SUCCESS or REJECTED}``: they answer what their phone asks."""
        answer = args.get("answer", "SUCCESS") if isinstance(args, dict) else ""
        if answer not in ("SUCCESS", "REJECTED"):
            raise ApplyError("answer_push: the answer is SUCCESS or REJECTED")
        for factor in _pushes(twin, args.get("users", []), "answer_push"):
            for row in rows_of(twin, "transactions", factor["id"]):
                fields = {**row["fields"], "answer": row["fields"]["answer"] or answer}
                twin["things"].put(("transactions", row["key"]), {**row, "fields": fields})


def _pushes(twin: Twin, emails: Any, name: str) -> list[Row]:
    if not isinstance(emails, list):
        raise ApplyError(f"{name}: give a list of emails")
    found = []
    for email in emails:
        user = twin["users"].first("login", str(email).lower())
        if user is None:
            raise ApplyError(f"{name}: there is no user {email}")
        rows = rows_of(twin, "factors", user["id"])
        found += [row for row in rows if row["fields"]["factorType"] == "push"]
    return found


FACTORS = Factors()
RESOURCES: Final = (FACTORS,)
