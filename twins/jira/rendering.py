"""Rich texts in HTML, as ``renderedFields`` and ``renderedBody`` show them."""

from html import escape
from typing import Any, Final

from .adf import as_adf

__all__ = ["html_of"]

_BLOCKS: Final = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "blockquote": "blockquote",
    "table": "table",
    "tableRow": "tr",
    "tableCell": "td",
    "tableHeader": "th",
}
_MARKS: Final = {"strong": "b", "em": "em", "code": "tt", "underline": "ins", "strike": "del"}


def html_of(stored: Any) -> str:
    """A stored rich text in HTML."""
    return _html(as_adf(stored)) if stored else ""


def _html(node: Any, depth: int = 0) -> str:
    """A document as Jira renders it, in plain HTML."""
    if not isinstance(node, dict) or depth > 40:
        return ""
    kind = node.get("type")
    if kind == "text":
        text = escape(str(node.get("text", "")))
        for mark in node.get("marks") or []:
            name = mark.get("type") if isinstance(mark, dict) else None
            if name == "link":
                href = escape(str((mark.get("attrs") or {}).get("href", "")), quote=True)
                text = f'<a href="{href}" class="external-link" rel="nofollow">{text}</a>'
            elif name in _MARKS:
                text = f"<{_MARKS[name]}>{text}</{_MARKS[name]}>"
        return text
    if kind == "hardBreak":
        return "<br/>"
    inner = "".join(_html(one, depth + 1) for one in node.get("content") or [])
    if kind == "heading":
        level = (node.get("attrs") or {}).get("level", 1)
        level = level if level in (1, 2, 3, 4, 5, 6) else 1
        return f"<h{level}>{inner}</h{level}>"
    if kind == "codeBlock":
        return f"<pre>{inner}</pre>"
    if kind == "rule":
        return "<hr />"
    tag = _BLOCKS.get(str(kind))
    return f"<{tag}>{inner}</{tag}>" if tag else inner
