"""Rich text: Atlassian Document Format (API v3) and wiki text (API v2), each readable as the other.

A stored rich text is ``{"adf": document}`` or ``{"text": wiki text}``, as it was written; ``None``
is no text. Reading in the other form converts.
"""

from typing import Any, Final

from .errors import JiraError

__all__ = ["NotADocumentError", "Rich", "as_adf", "as_text", "check_document", "plain", "rich"]

Rich = dict[str, Any] | None

_NODES: Final = frozenset(
    {
        "blockCard",
        "blockquote",
        "bulletList",
        "codeBlock",
        "date",
        "decisionItem",
        "decisionList",
        "doc",
        "embedCard",
        "emoji",
        "expand",
        "hardBreak",
        "heading",
        "inlineCard",
        "listItem",
        "media",
        "mediaGroup",
        "mediaInline",
        "mediaSingle",
        "mention",
        "nestedExpand",
        "orderedList",
        "panel",
        "paragraph",
        "rule",
        "status",
        "table",
        "tableCell",
        "tableHeader",
        "tableRow",
        "taskItem",
        "taskList",
        "text",
    }
)
MAX_DEPTH: Final = 60
MAX_TEXT: Final = 32_767


class NotADocumentError(ValueError):
    """It is not an Atlassian document."""


def check_document(value: Any) -> None:
    """Raise :class:`NotADocumentError` unless ``value`` is a document; 400 for unknown nodes."""
    if not isinstance(value, dict) or value.get("type") != "doc" or value.get("version") != 1:
        raise NotADocumentError
    if not isinstance(value.get("content"), list):
        raise NotADocumentError
    if not all(_is_node(node, 1) for node in value["content"]):
        raise JiraError(400, "INVALID_INPUT")


def _is_node(node: Any, depth: int) -> bool:
    if not isinstance(node, dict) or depth > MAX_DEPTH or node.get("type") not in _NODES:
        return False
    if node["type"] == "text":
        return isinstance(node.get("text"), str) and node["text"] != ""
    if not isinstance(node.get("attrs", {}), dict):
        return False
    content = node.get("content", [])
    return isinstance(content, list) and all(_is_node(child, depth + 1) for child in content)


def rich(value: Any, *, v3: bool) -> Rich:
    """What a caller sent, checked and ready to store; raises :class:`NotADocumentError`."""
    if value is None:
        return None
    if v3:
        check_document(value)
        return {"adf": value}
    if not isinstance(value, str):
        raise NotADocumentError
    return {"text": value} if value else None


def as_adf(stored: Rich) -> dict[str, Any] | None:
    """The document, made from wiki text if need be: paragraphs and line breaks."""
    if stored is None:
        return None
    if "adf" in stored:
        document: dict[str, Any] = stored["adf"]
        return document
    blocks = []
    for paragraph in str(stored["text"]).replace("\r\n", "\n").split("\n\n"):
        content: list[dict[str, Any]] = []
        for number, line in enumerate(paragraph.split("\n")):
            if number:
                content.append({"type": "hardBreak"})
            if line:
                content.append({"type": "text", "text": line})
        blocks.append({"type": "paragraph", "content": content})
    return {"type": "doc", "version": 1, "content": blocks}


def as_text(stored: Rich) -> str | None:
    """The wiki text."""
    if stored is None:
        return None
    if "text" in stored:
        return str(stored["text"])
    return _blocks(stored["adf"].get("content", []), wiki=True)


def plain(stored: Rich) -> str:
    """The words only: what people read, and what text search sees."""
    if stored is None:
        return ""
    if "text" in stored:
        return str(stored["text"])
    return _blocks(stored["adf"].get("content", []), wiki=False)


def _blocks(nodes: list[dict[str, Any]], *, wiki: bool) -> str:
    parts = [_block(node, wiki, "") for node in nodes]
    return "\n\n".join(part for part in parts if part)


def _block(node: dict[str, Any], wiki: bool, bullet: str) -> str:
    kind = node["type"]
    content = node.get("content", [])
    attrs = node.get("attrs", {})
    if kind in ("bulletList", "orderedList", "taskList", "decisionList"):
        mark = bullet + ("#" if kind == "orderedList" else "*")
        return "\n".join(_item(item, wiki, mark) for item in content)
    if kind == "codeBlock":
        code = _inline(content, False)
        language = f":{attrs['language']}" if attrs.get("language") else ""
        return f"{{code{language}}}\n{code}\n{{code}}" if wiki else code
    if kind == "heading":
        text = _inline(content, wiki)
        return f"h{attrs.get('level', 1)}. {text}" if wiki else text
    if kind == "blockquote":
        text = _blocks(content, wiki=wiki)
        return f"{{quote}}\n{text}\n{{quote}}" if wiki else text
    if kind == "rule":
        return "----" if wiki else ""
    if kind == "table":
        return "\n".join(_row(row, wiki) for row in content)
    if kind == "panel":
        text = _blocks(content, wiki=wiki)
        return f"{{panel}}\n{text}\n{{panel}}" if wiki else text
    if content and content[0]["type"] not in _INLINE:
        return _blocks(content, wiki=wiki)
    return _inline(content or [node], wiki)


def _item(item: dict[str, Any], wiki: bool, mark: str) -> str:
    lines = []
    content = item.get("content", [])
    inline = [child for child in content if child["type"] in _INLINE]
    if inline:
        lines.append(_inline(inline, wiki))
    for child in content:
        if child["type"] in ("bulletList", "orderedList") or child["type"] not in _INLINE:
            lines.append(_block(child, wiki, mark))
    text = "\n".join(line for line in lines if line)
    return f"{mark} {text}" if wiki else text


def _row(row: dict[str, Any], wiki: bool) -> str:
    cells = [_blocks(cell.get("content", []), wiki=wiki) for cell in row.get("content", [])]
    if not wiki:
        return "\t".join(cells)
    bar = "||" if any(c["type"] == "tableHeader" for c in row.get("content", [])) else "|"
    return bar + bar.join(cells) + bar


_INLINE: Final = frozenset(
    {"date", "emoji", "hardBreak", "inlineCard", "mediaInline", "mention", "status", "text"}
)
_MARKS: Final = {
    "strong": ("*", "*"),
    "em": ("_", "_"),
    "code": ("{{", "}}"),
    "strike": ("-", "-"),
    "underline": ("+", "+"),
}


def _inline(nodes: list[dict[str, Any]], wiki: bool) -> str:
    return "".join(_word(node, wiki) for node in nodes)


def _word(node: dict[str, Any], wiki: bool) -> str:
    kind = node["type"]
    attrs = node.get("attrs", {})
    if kind == "text":
        return _marked(node, wiki)
    if kind == "hardBreak":
        return "\n"
    if kind == "mention":
        return f"[~accountid:{attrs.get('id', '')}]" if wiki else str(attrs.get("text", ""))
    if kind == "emoji":
        return str(attrs.get("text") or attrs.get("shortName", ""))
    if kind in ("inlineCard", "blockCard", "embedCard"):
        url = str(attrs.get("url", ""))
        return f"[{url}]" if wiki and url else url
    if kind == "status":
        return str(attrs.get("text", ""))
    if kind == "date":
        return str(attrs.get("timestamp", ""))
    return _inline(node.get("content", []), wiki)


def _marked(node: dict[str, Any], wiki: bool) -> str:
    text = str(node["text"])
    marks = node.get("marks", [])
    if not isinstance(marks, list):
        return text
    for mark in marks:
        if not isinstance(mark, dict):
            continue
        kind = mark.get("type")
        if kind == "link" and isinstance(mark.get("attrs"), dict):
            href = str(mark["attrs"].get("href", ""))
            # The address is part of what a reader gets, also where only words are kept.
            if href and href != text:
                text = f"[{text}|{href}]" if wiki else f"{text} ({href})"
        elif wiki and kind in _MARKS:
            before, after = _MARKS[kind]
            text = f"{before}{text}{after}"
    return text
