"""Text search as JQL's ``~`` does it.

Words are stemmed lightly and matched in any order; ``"…"`` is a phrase, ``"…"~5`` a phrase with
up to five words between; ``*`` and ``?`` stand for letters, ``word~`` for words that differ by
little; ``+word``, ``-word``, ``NOT``, ``AND``, ``OR`` and brackets are understood; ``^4`` is not
wrong and means nothing to a search that does not rank.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = ["Query", "matches", "tokens"]

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_PIECE: Final = re.compile(
    r'([+\-!]?)(?:"([^"]*)"(?:~(\d{1,3}))?|(\()|(\))|([^\s()"]+))(?:\^[\d.]+)?'
)


def stem(word: str) -> str:
    """The word without the commonest English endings."""
    word = word.removesuffix("'s")
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) + len(rest) >= 3:
            if ending == "s" and word.endswith("ss"):
                return word
            return word[: len(word) - len(ending)] + rest
    return word


@lru_cache(maxsize=32768)
def tokens(text: str) -> tuple[str, ...]:
    """The stemmed words of a text, lower case."""
    return tuple(stem(match.group()) for match in _WORD.finditer(text.lower()))


@lru_cache(maxsize=8192)
def _raw(text: str) -> tuple[str, ...]:
    return tuple(match.group() for match in _WORD.finditer(text.lower()))


class _Term:
    """One word, phrase or pattern."""

    __slots__ = ("fuzzy", "pattern", "run", "slop")

    def __init__(self, text: str, *, phrase: bool, slop: int = 0) -> None:
        self.slop = slop
        self.pattern: re.Pattern[str] | None = None
        self.fuzzy = ""
        self.run: tuple[str, ...] = ()
        if not phrase and ("*" in text or "?" in text):
            letters = re.sub(r"\*+", "*", text)
            kinds = {"*": ".*", "?": "."}
            self.pattern = re.compile("".join(kinds.get(one, re.escape(one)) for one in letters))
        elif not phrase and re.search(r"~[\d.]*\Z", text):
            self.fuzzy = re.sub(r"~[\d.]*\Z", "", text)
        else:
            self.run = tokens(text)

    def empty(self) -> bool:
        """Whether it has nothing to look for."""
        return not (self.pattern or self.fuzzy or self.run)

    def within(self, text: str) -> bool:
        """Whether a text has it."""
        if self.pattern is not None:
            pattern = self.pattern
            return any(pattern.fullmatch(word) for word in _raw(text))
        if self.fuzzy:
            return any(_close(self.fuzzy, word) for word in _raw(text))
        found = tokens(text)
        if len(self.run) == 1:
            return self.run[0] in found
        if self.slop:
            return _near(found, self.run, self.slop)
        run = self.run
        return any(found[at : at + len(run)] == run for at in range(len(found) - len(run) + 1))


class Query:
    """A text query, read once and matched often: groups of alternatives, all of them needed."""

    __slots__ = ("_groups", "_never")

    def __init__(self, text: str) -> None:
        self._groups: list[list[_Term]] = []
        self._never: list[_Term] = []
        join_next = negate_next = False
        for match in _PIECE.finditer(text):
            sign, phrase, slop, opened, closed, word = match.groups()
            if opened or closed:
                continue
            if phrase is None and word in ("AND", "&&"):
                continue
            if phrase is None and word in ("OR", "||"):
                join_next = bool(self._groups)
                continue
            if phrase is None and word == "NOT":
                negate_next = True
                continue
            piece = (phrase if phrase is not None else re.sub(r"\^[\d.]+\Z", "", word)).lower()
            term = _Term(piece, phrase=phrase is not None, slop=int(slop or 0))
            if term.empty():
                continue
            if sign in ("-", "!") or negate_next:
                self._never.append(term)
            elif join_next:
                self._groups[-1].append(term)
            else:
                self._groups.append([term])
            join_next = negate_next = False

    def matches(self, text: str) -> bool:
        """Whether a text is found."""
        if not self._groups and not self._never:
            return False
        return all(any(term.within(text) for term in group) for group in self._groups) and not any(
            term.within(text) for term in self._never
        )


def matches(query: str, text: str) -> bool:
    """Whether a text has what a query asks for."""
    return Query(query).matches(text)


def _near(found: tuple[str, ...], run: tuple[str, ...], slop: int) -> bool:
    """Whether the words stand in their order with at most ``slop`` others between."""
    for start, word in enumerate(found):
        if word != run[0]:
            continue
        at = start
        for wanted in run[1:]:
            try:
                at = found.index(wanted, at + 1)
            except ValueError:
                break
        else:
            if at - start - (len(run) - 1) <= slop:
                return True
    return False


def _close(one: str, other: str) -> bool:
    """Whether two words differ by at most two letters (one for short words)."""
    most = 1 if len(one) < 5 else 2
    if abs(len(one) - len(other)) > most or len(one) > 40:
        return False
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1] <= most
