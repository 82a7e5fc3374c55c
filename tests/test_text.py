"""What `clean` lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.text import clean

HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.sampled_from(
            [
                *("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x9b", "\x9d"),
                *("\x90", "\x07", "\x1b\\", "\x9c", "\r", "\n", "\r\n", "31m", "0;t", "\\"),
                *("\ud800", "\u202e"),
            ]
        ),
    ),
    max_size=20,
).map("".join)


FORBIDDEN = frozenset(
    [
        *(*range(0x9), *range(0xB, 0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, 0xFEFF),
        *(*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070)),
        *(*range(0xD800, 0xE000), *range(0xE0000, 0xE1000)),
    ]
)


def allowed(character: str) -> bool:
    return ord(character) not in FORBIDDEN


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain ä 你好 🎉\n\tend", "plain ä 你好 🎉\n\tend"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[?1049l\x1b[2Jx", "x"),
        ("\x1b]52;c;aGk=\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        ("\x1bPsixel\nover lines\x1b\\x", "x"),
        ("\x9b31mred\x9d0;title\x9cx\x90dcs\x1b\\y", "redxy"),
        ("\x1b]0;never ended\nnext line", "\nnext line"),
        ("a\x1b", "a"),
        ("a\x1b[", "a"),
        ("a\x1b[31", "a"),
        ("\x1b(Ba\x1b7b\x1bcc", "abc"),
        ("\x1b\x1b[31m[31m", "[31m"),
        ("a\r\nb\rc\r\r\nd", "a\nb\nc\n\nd"),
        ("a\x00b\x08c\x0bd\x0ce\x7ff\x85g", "abcdefg"),
        ("a\u202eb\u2066c\u200bd\u200de\ufefff\u061cg\u2028h", "abcdefg\nh"),
        ("x\U000e0041\U000e007fy\U000e0100", "xy"),
        ("\ud800a\udc80", "\ufffda\ufffd"),
        (b"\xffa\xc2\x9b31mb\x9b", "\ufffdab\ufffd"),
        (b"harmless\n\tbytes", "harmless\n\tbytes"),
        ("", ""),
        (b"", ""),
    ],
)
def test_examples(raw: str | bytes, text: str) -> None:
    assert clean(raw) == text


@given(HOSTILE)
def test_nothing_forbidden_remains_and_cleaning_twice_changes_nothing(raw: str) -> None:
    once = clean(raw)
    assert all(map(allowed, once)), ascii(once)
    assert clean(once) == once


@given(st.binary(max_size=200))
def test_any_bytes_become_text(raw: bytes) -> None:
    once = clean(raw)
    assert all(map(allowed, once))
    assert clean(once) == clean(once.encode()) == once


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_printable_text_is_kept(raw: str) -> None:
    assert clean(raw) == clean(raw.encode()) == raw


@given(HOSTILE | st.text(min_size=50), st.integers(0, 120))
def test_a_limit_holds_and_is_stable(raw: str, limit: int) -> None:
    short = clean(raw, limit=limit)
    assert len(short) <= limit
    assert clean(short, limit=limit) == short
    if len(clean(raw)) <= limit:
        assert short == clean(raw)


def test_a_limit_keeps_both_ends_and_says_what_is_missing() -> None:
    short = clean("begin" + "x" * 10_000 + "end", limit=100)
    assert short.startswith("begin")
    assert short.endswith("end")
    assert len(short) == 100
    kept = short.count("x") + len("begin" + "end")
    assert f"\n… {10_008 - kept:,} characters cut …\n" in short
    assert clean("abcdef", limit=3) == "abc"


@pytest.mark.parametrize(
    "piece", ["\x1b]", "\x1bP", "\x9d", "\x1b[", "\x1b[1", "\x1b", "\x1b ", "\x1b]a\n"]
)
def test_hostile_input_does_not_hang(piece: str) -> None:
    """Time that grew with the square of the length would be hours here."""
    assert len(clean(piece * 500_000)) <= 500_000
