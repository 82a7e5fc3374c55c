"""Text search as JQL's ``~`` does it: words, phrases, wildcards, light stemming."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["matches", "tokens"]

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_PIECE: Final = re.compile(r'"([^"]*)"|(\S+)')


def stem(word: str) -> str:
    """The word without the commonest English endings."""
    word = word.removesuffix("'s")
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) + len(rest) >= 3:
            if ending == "s" and word.endswith("ss"):
                return word
            return word[: len(word) - len(ending)] + rest
    return word


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """The stemmed words of a text, lower case."""
    return tuple(stem(match.group()) for match in _WORD.finditer(text.lower()))


def matches(query: str, text: str) -> bool:
    """Whether a text has all words of the query; quoted or punctuated ones side by side."""
    found = tokens(text)
    raw: tuple[str, ...] | None = None
    wanted = False
    for match in _PIECE.finditer(query.lower()):
        phrase, word = match.groups()
        piece = phrase if phrase is not None else word
        if phrase is None and ("*" in piece or "?" in piece):
            if raw is None:
                raw = tuple(match.group() for match in _WORD.finditer(text.lower()))
            pattern = re.compile(
                "".join(
                    {"*": ".*", "?": "."}.get(letter, re.escape(letter))
                    for letter in re.sub(r"\*+", "*", piece)
                )
            )
            wanted = True
            if not any(pattern.fullmatch(word) for word in raw):
                return False
            continue
        run = tokens(piece.lstrip("+"))
        if not run:
            continue
        wanted = True
        if not _contains(found, run):
            return False
    return wanted


def _contains(found: tuple[str, ...], run: tuple[str, ...]) -> bool:
    if len(run) == 1:
        return run[0] in found
    return any(found[at : at + len(run)] == run for at in range(len(found) - len(run) + 1))
