"""What Slack tells of a file by its name and its bytes: its type, a preview, a picture's size."""

import html
from typing import Any, Final

__all__ = ["content_of", "kind_of", "looks"]

MAX_SNIPPET: Final = 1 << 20
"""Larger texts are files like any other."""
MAX_PREVIEW: Final = 700
PREVIEW_LINES: Final = 5
_THUMBS: Final = (64, 80, 160, 360, 480, 720, 800, 960, 1024)
_SQUARE: Final = 160
"""Thumbnails up to this size are square and tell no size."""

_KINDS: Final[dict[str, tuple[str, str, str]]] = {
    "bmp": ("bmp", "image/bmp", "Bitmap"),
    "c": ("c", "text/x-csrc", "C"),
    "cpp": ("cpp", "text/x-c++src", "C++"),
    "css": ("css", "text/css", "CSS"),
    "csv": ("csv", "text/csv", "CSV"),
    "doc": ("doc", "application/msword", "Word Document"),
    "docx": (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Word Document",
    ),
    "gif": ("gif", "image/gif", "GIF"),
    "go": ("go", "text/x-go", "Go"),
    "gz": ("gzip", "application/gzip", "Gzip"),
    "html": ("html", "text/html", "HTML"),
    "java": ("java", "text/x-java", "Java"),
    "jpeg": ("jpg", "image/jpeg", "JPEG"),
    "jpg": ("jpg", "image/jpeg", "JPEG"),
    "js": ("javascript", "text/javascript", "JavaScript"),
    "json": ("json", "application/json", "JSON"),
    "log": ("text", "text/plain", "Plain Text"),
    "md": ("markdown", "text/markdown", "Markdown (raw)"),
    "mov": ("mov", "video/quicktime", "QuickTime Movie"),
    "mp3": ("mp3", "audio/mpeg", "MP3"),
    "mp4": ("mp4", "video/mp4", "MPEG 4 Video"),
    "pdf": ("pdf", "application/pdf", "PDF"),
    "php": ("php", "text/x-php", "PHP"),
    "png": ("png", "image/png", "PNG"),
    "ppt": ("ppt", "application/vnd.ms-powerpoint", "PowerPoint Presentation"),
    "pptx": (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "PowerPoint Presentation",
    ),
    "py": ("python", "text/x-python", "Python"),
    "rb": ("ruby", "text/x-ruby", "Ruby"),
    "rs": ("rust", "text/x-rust", "Rust"),
    "sh": ("shell", "text/x-sh", "Shell"),
    "sql": ("sql", "text/x-sql", "SQL"),
    "svg": ("svg", "image/svg+xml", "SVG"),
    "ts": ("typescript", "text/x-typescript", "TypeScript"),
    "txt": ("text", "text/plain", "Plain Text"),
    "wav": ("wav", "audio/x-wav", "WAV"),
    "webp": ("webp", "image/webp", "WebP"),
    "xls": ("xls", "application/vnd.ms-excel", "Excel Spreadsheet"),
    "xlsx": (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Excel Spreadsheet",
    ),
    "xml": ("xml", "application/xml", "XML"),
    "yaml": ("yaml", "application/x-yaml", "YAML"),
    "yml": ("yaml", "application/x-yaml", "YAML"),
    "zip": ("zip", "application/zip", "Zip"),
}
_TEXTS: Final = frozenset({"json", "xml", "yaml"})


def kind_of(name: str, snippet_type: str = "") -> tuple[str, str, str]:
    """Slack's type, the media type and the words for a file of that name.

    A type that was named when the file was announced goes before the name's ending.
    """
    if snippet_type:
        named = next((kind for kind in _KINDS.values() if kind[0] == snippet_type), None)
        return named or (snippet_type, "text/plain", snippet_type.capitalize())
    ending = name.rpartition(".")[2].lower()
    return _KINDS.get(ending, ("binary", "application/octet-stream", "Binary"))


def _is_text(kind: tuple[str, str, str]) -> bool:
    return kind[1].startswith("text/") or kind[0] in _TEXTS


def _text(row: dict[str, Any], kind: tuple[str, str, str]) -> str | None:
    """The text of a snippet; ``None`` for other files."""
    if not _is_text(kind) or row["size"] > MAX_SNIPPET:
        return None
    try:
        return str(row["data"]).encode("latin-1").decode()
    except UnicodeDecodeError:
        return None


def _highlighted(text: str) -> str:
    lines = "".join(f"<div><pre>{html.escape(line)}</pre></div>\n" for line in text.split("\n"))
    return (
        '<div class="CodeMirror cm-s-default CodeMirrorServer">\n'
        f'<div class="CodeMirror-code">\n{lines}</div>\n</div>\n'
    )


def looks(row: dict[str, Any], permalink: str, thumbs: str) -> dict[str, Any]:
    """The fields of a file object that depend on what is in the file.

    Args:
        row: The file; ``data`` are its bytes as Latin-1.
        permalink: Its address, which a snippet's editor lies below.
        thumbs: The address of its bytes, which serve as every thumbnail.
    """
    kind = kind_of(row["name"], row.get("snippet", ""))
    found: dict[str, Any] = {"mimetype": kind[1], "filetype": kind[0], "pretty_type": kind[2]}
    text = _text(row, kind)
    if text is None:
        found |= {"editable": False, "mode": "hosted"}
        size = _picture(str(row["data"])[:65_536].encode("latin-1"))
        return found | (_thumbnails(size, thumbs) if size else {})
    lines = text.split("\n")
    preview = "\n".join(lines[:PREVIEW_LINES])[:MAX_PREVIEW]
    shown = len(preview.split("\n"))
    return found | {
        "editable": True,
        "mode": "snippet",
        "edit_link": f"{permalink}edit",
        "preview": preview,
        "preview_highlight": _highlighted(preview),
        "lines": len(lines),
        "lines_more": len(lines) - shown,
        "preview_is_truncated": preview != text,
    }


def content_of(row: dict[str, Any]) -> dict[str, Any]:
    """What ``files.info`` adds for a snippet: its whole text."""
    text = _text(row, kind_of(row["name"], row.get("snippet", "")))
    if text is None:
        return {}
    return {
        "content": text,
        "is_truncated": False,
        "content_highlight_html": _highlighted(text),
        "content_highlight_css": "",
    }


def _thumbnails(size: tuple[int, int], address: str) -> dict[str, Any]:
    width, height = size
    found: dict[str, Any] = {}
    for edge in _THUMBS:
        if edge > 360 and edge >= max(size):
            break
        found[f"thumb_{edge}"] = address
        if edge > _SQUARE:
            scale = min(1.0, edge / max(size))
            found[f"thumb_{edge}_w"] = max(1, round(width * scale))
            found[f"thumb_{edge}_h"] = max(1, round(height * scale))
    return found | {"original_w": width, "original_h": height, "image_exif_rotation": 1}


def _picture(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG, by its first bytes."""
    size = None
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 24:
        size = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    elif data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        size = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    elif data.startswith(b"\xff\xd8"):
        size = _jpeg(data)
    return size if size and min(size) > 0 else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            return int.from_bytes(data[at + 7 : at + 9], "big"), height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
