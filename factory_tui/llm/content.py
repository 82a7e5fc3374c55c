"""Messages as the unified specification models them: roles, and parts of many kinds.

A part that came from a provider also keeps the provider's own block (``native``), so that it can
go back exactly as it came: thinking is bound to it, and no model of ours covers every field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = [
    "AudioData",
    "ContentKind",
    "ContentPart",
    "DocumentData",
    "ImageData",
    "Message",
    "Role",
    "ThinkingData",
    "ToolCallData",
    "ToolResultData",
]


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    DEVELOPER = "developer"


class ContentKind(StrEnum):
    """What a part is; providers may have further kinds, as plain strings."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    DOCUMENT = "document"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    THINKING = "thinking"
    REDACTED_THINKING = "redacted_thinking"


def _one_source(what: str, url: str | None, data: bytes | None) -> None:
    if (url is None) == (data is None):
        raise ValueError(f"{what}: give exactly one of url and data")


@dataclass(frozen=True, slots=True)
class ImageData:
    """An image: a URL (or the path of a local file), or bytes; PNG unless ``media_type`` says."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    detail: str | None = None

    def __post_init__(self) -> None:
        _one_source("ImageData", self.url, self.data)
        if self.data is not None and self.media_type is None:
            object.__setattr__(self, "media_type", "image/png")


@dataclass(frozen=True, slots=True)
class AudioData:
    """A sound: a URL (or the path of a local file), or bytes."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None

    def __post_init__(self) -> None:
        _one_source("AudioData", self.url, self.data)


@dataclass(frozen=True, slots=True)
class DocumentData:
    """A document: a URL (or the path of a local file), or bytes."""

    url: str | None = None
    data: bytes | None = None
    media_type: str | None = None
    file_name: str | None = None

    def __post_init__(self) -> None:
        _one_source("DocumentData", self.url, self.data)


@dataclass(frozen=True, slots=True)
class ToolCallData:
    """A tool call; ``arguments`` is parsed JSON, or the text as it came."""

    id: str
    name: str
    arguments: dict[str, Any] | str
    type: str = "function"


@dataclass(frozen=True, slots=True)
class ToolResultData:
    """What a tool call is answered with."""

    tool_call_id: str
    content: str | dict[str, Any] | list[Any]
    is_error: bool = False
    image_data: bytes | None = None
    image_media_type: str | None = None


@dataclass(frozen=True, slots=True)
class ThinkingData:
    """Reasoning of the model; if ``redacted``, ``text`` is opaque and goes back verbatim."""

    text: str
    signature: str | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One piece of a message; ``kind`` says which field is filled.

    ``native`` is the block as ``native_provider`` sent it.
    """

    kind: ContentKind | str
    text: str | None = None
    image: ImageData | None = None
    audio: AudioData | None = None
    document: DocumentData | None = None
    tool_call: ToolCallData | None = None
    tool_result: ToolResultData | None = None
    thinking: ThinkingData | None = None
    native_provider: str = ""
    native: Mapping[str, Any] | None = None

    @classmethod
    def of_text(cls, text: str) -> "ContentPart":
        """A text part."""
        return cls(ContentKind.TEXT, text=text)


def _parts(content: "str | list[ContentPart]") -> list[ContentPart]:
    return [ContentPart.of_text(content)] if isinstance(content, str) else list(content)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; ``content`` may be given as a plain string."""

    role: Role
    content: list[ContentPart]
    name: str | None = None
    tool_call_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "content", _parts(self.content))

    @classmethod
    def system(cls, text: str) -> "Message":
        """Instructions of the system."""
        return cls(Role.SYSTEM, _parts(text))

    @classmethod
    def developer(cls, text: str) -> "Message":
        """Instructions of the application."""
        return cls(Role.DEVELOPER, _parts(text))

    @classmethod
    def user(cls, content: str | list[ContentPart]) -> "Message":
        """What the user says."""
        return cls(Role.USER, _parts(content))

    @classmethod
    def assistant(cls, content: str | list[ContentPart]) -> "Message":
        """What the model said."""
        return cls(Role.ASSISTANT, _parts(content))

    @classmethod
    def tool_result(
        cls,
        tool_call_id: str,
        content: str | dict[str, Any] | list[Any],
        is_error: bool = False,
        *,
        name: str | None = None,
    ) -> "Message":
        """The answer to a tool call."""
        result = ToolResultData(tool_call_id, content, is_error)
        part = ContentPart(ContentKind.TOOL_RESULT, tool_result=result)
        return cls(Role.TOOL, [part], name=name, tool_call_id=tool_call_id)

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text or "" for part in self.content if part.kind == ContentKind.TEXT)

    @property
    def reasoning(self) -> str | None:
        """All readable thinking, joined; ``None`` where there is none."""
        said = [
            part.thinking.text
            for part in self.content
            if part.kind == ContentKind.THINKING and part.thinking and not part.thinking.redacted
        ]
        return "".join(said) or None

    @property
    def tool_calls(self) -> list[ToolCallData]:
        """The tool calls in it."""
        return [part.tool_call for part in self.content if part.tool_call is not None]
