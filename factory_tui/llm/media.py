"""Images, sounds and documents as URLs or base64, whatever way they were given."""

import base64
import mimetypes
from pathlib import Path

from factory_tui.llm.content import AudioData, DocumentData, ImageData
from factory_tui.llm.errors import ConfigurationError

__all__ = ["media"]

_DEFAULT = {ImageData: "image/png", AudioData: "audio/wav", DocumentData: "application/pdf"}


def media(item: ImageData | AudioData | DocumentData) -> tuple[str, str, str]:
    """("url", the URL, type) or ("base64", the data, type); a local file is read.

    A ``url`` that starts with ``/``, ``./``, ``../`` or ``~`` is the path of a file.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    url, data = item.url, item.data
    if url is not None and url.startswith(("/", "./", "../", "~")):
        path = Path(url).expanduser()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"{url}: {error.strerror}", cause=error) from error
        url = path.name
    kind = item.media_type or mimetypes.guess_type(url or "")[0] or _DEFAULT[type(item)]
    if data is not None:
        return "base64", base64.b64encode(data).decode(), kind
    return "url", url or "", kind
