"""Model calls: one client, one budget, append-only conversations, recording and playback."""

from factory_tui.llm.client import Client, Retry
from factory_tui.llm.errors import (
    AuthError,
    BadRequest,
    BudgetExhausted,
    InvalidReply,
    LLMError,
    NetworkError,
    Overloaded,
    PlaybackMiss,
    RateLimited,
    ServerError,
    StreamCut,
    StreamStalled,
    UnknownPrice,
)
from factory_tui.llm.ledger import Book, Ledger, Limits, MemoryBook, Reservation, Totals
from factory_tui.llm.prices import FREE, Price, Prices
from factory_tui.llm.recording import Recorder, Recording, RecordingError, request_hash
from factory_tui.llm.transcript import Transcript, TranscriptError
from factory_tui.llm.types import Request, Response, Tool, ToolCall, Usage

__all__ = [
    "FREE",
    "AuthError",
    "BadRequest",
    "Book",
    "BudgetExhausted",
    "Client",
    "InvalidReply",
    "LLMError",
    "Ledger",
    "Limits",
    "MemoryBook",
    "NetworkError",
    "Overloaded",
    "PlaybackMiss",
    "Price",
    "Prices",
    "RateLimited",
    "Recorder",
    "Recording",
    "RecordingError",
    "Request",
    "Reservation",
    "Response",
    "Retry",
    "ServerError",
    "StreamCut",
    "StreamStalled",
    "Tool",
    "ToolCall",
    "Totals",
    "Transcript",
    "TranscriptError",
    "UnknownPrice",
    "Usage",
    "request_hash",
]
