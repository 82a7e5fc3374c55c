"""The few HTML pages a browser sees: sign-in, consent, device, the ways a response is sent back.

They are plain forms without scripts (but for the two response modes that are scripts), so that a
program that reads forms can drive them; the same call gives the same bytes.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from factory_tui.universe import Response

__all__ = [
    "error_page",
    "form_page",
    "message_page",
    "sent_back",
]

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body></html>
"""


def _page(title: str, body: str, status: int = 200) -> Response:
    page = Response.html(_PAGE.format(title=escape(title), body=body), status)
    page.headers.append(("x-frame-options", "SAMEORIGIN"))
    return page


def error_page(sentence: str, status: int = 400) -> Response:
    """What Okta shows when it dare not redirect."""
    body = f'<p class="error">Your request resulted in an error. {escape(sentence)}</p>'
    return _page(f"{status} {'Bad Request' if status == 400 else 'Error'}", body, status)


def message_page(title: str, sentence: str) -> Response:
    """A page that says something."""
    return _page(title, f"<p>{escape(sentence)}</p>")


def form_page(
    title: str,
    action: str,
    hidden: Mapping[str, str],
    fields: Iterable[tuple[str, str, str, str]],
    *,
    buttons: Iterable[tuple[str, str]] = (("", "Sign in"),),
    problem: str = "",
    status: int = 200,
) -> Response:
    """A page with one form.

    Args:
        title: Of the page.
        action: Where the form goes.
        hidden: Its hidden fields.
        fields: Name, label, type and value of each field one fills.
        buttons: Value and label of each; the button's name is ``answer``.
        problem: What was wrong with the last try.
        status: Of the answer.
    """
    lines = [f'<p class="error" role="alert">{escape(problem)}</p>'] if problem else []
    lines.append(f'<form method="post" action="{escape(action)}">')
    lines += [
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    ]
    for name, label, kind, value in fields:
        lines.append(
            f'<label>{escape(label)} <input type="{kind}" name="{escape(name)}"'
            f' value="{escape(value)}"></label>'
        )
    for value, label in buttons:
        name = f' name="answer" value="{escape(value)}"' if value else ""
        lines.append(f'<button type="submit"{name}>{escape(label)}</button>')
    lines.append("</form>")
    return _page(title, "\n".join(lines), status)


def sent_back(redirect: str, mode: str, answer: Mapping[str, Any]) -> Response:
    """An authorization response on its way to the client.

    Args:
        redirect: The client's redirect URI.
        mode: ``query``, ``fragment``, ``form_post`` or ``okta_post_message``.
        answer: The parameters.
    """
    texts = {name: str(value) for name, value in answer.items()}
    if mode == "form_post":
        inputs = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(value)}"/>'
            for name, value in texts.items()
        )
        return Response.html(
            '<html><body onload="document.forms[0].submit()"><form method="post"'
            f' action="{escape(redirect)}">{inputs}'
            '<noscript><button type="submit">Continue</button></noscript></form></body></html>\n'
        )
    if mode == "okta_post_message":
        parts = urlsplit(redirect)
        # "<" must not end the script early.
        data = orjson.dumps(texts).decode().replace("<", "\\u003c")
        origin = orjson.dumps(f"{parts.scheme}://{parts.netloc}").decode().replace("<", "\\u003c")
        return Response.html(
            "<html><body><script>(window.opener || window.parent)"
            f".postMessage({data}, {origin});</script></body></html>\n"
        )
    encoded = urlencode(texts)
    if mode == "fragment":
        target = f"{redirect}#{encoded}"
    else:
        target = f"{redirect}{'&' if '?' in redirect else '?'}{encoded}"
    return Response(302, b"", [("location", target), ("referrer-policy", "no-referrer")])
