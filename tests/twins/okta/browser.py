"""A browser small enough for tests: cookies, redirects within the twin, forms."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from factory_tui.universe import Response

FORM = {"content-type": "application/x-www-form-urlencoded"}


class _Reader(HTMLParser):
    """The first form of a page, and what the page says is wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.answers: list[str] = []
        self.problem = ""
        self._in_problem = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given.get("action", "")
        elif tag == "input":
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "button" and given.get("name") == "answer":
            self.answers.append(given["value"])
        elif tag == "p":
            self._in_problem = given.get("class") == "error"

    def handle_data(self, data: str) -> None:
        if self._in_problem:
            self.problem += data

    def handle_endtag(self, tag: str) -> None:
        self._in_problem = False


class Browser:
    """Follows redirects while they stay in the twin."""

    def __init__(self, okta: Any) -> None:
        self._okta = okta
        self.cookies: dict[str, str] = {}
        self.answer = Response(0)

    def send(self, method: str, target: str, form: dict[str, str] | None = None) -> "Browser":
        """A request and the redirects after it."""
        for _ in range(10):
            jar = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"authorization": "", "cookie": jar}
            body = urlencode(form) if form is not None else b""
            self.answer = self._okta(f"{method} {target}", body, **headers, **FORM)
            for name, value in self.answer.headers:
                if name == "set-cookie":
                    pair = value.partition(";")[0].partition("=")
                    self.cookies[pair[0]] = pair[2]
            location = self.answer.header("location") if self.answer.status == 302 else None
            if location is None or "//" in location.partition("?")[0].removeprefix(
                "http://twin.test"
            ):
                return self
            method, target, form = "GET", location.removeprefix("http://twin.test"), None
        raise AssertionError("too many redirects")

    def get(self, path: str, **query: str) -> "Browser":
        """Open a page."""
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path)

    @property
    def page(self) -> _Reader:
        """The page that is open."""
        reader = _Reader()
        reader.feed(self.answer.body.decode())
        return reader

    def submit(self, **fields: str) -> "Browser":
        """Fill in the page's form and send it."""
        page = self.page
        return self.send("POST", page.action, {**page.fields, **fields})

    @property
    def location(self) -> str:
        """Where the browser was sent outside the twin."""
        assert self.answer.status == 302, (self.answer.status, self.answer.body[:500])
        return str(self.answer.header("location"))

    @property
    def told(self) -> dict[str, str]:
        """The parameters of that address, of its query or fragment."""
        parts = urlsplit(self.location)
        return {name: value[0] for name, value in parse_qs(parts.query or parts.fragment).items()}
