"""Pages of lists, as the platform and the agile API wrap them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from factory_tui.universe import Response

from .context import Context, reply

__all__ = ["bean", "page", "plain_page"]

T = TypeVar("T")


def page(
    c: Context,
    items: Sequence[T],
    shape: Callable[[T], Any],
    default: int = 50,
    largest: int = 50,
    *,
    links: bool = True,
    name: str = "values",
    last: bool = True,
) -> Response:
    """A page of ``items`` by ``startAt`` and ``maxResults``, with links to itself and the next.

    Args:
        links: Give ``self`` and ``nextPage``.
        name: Of the list in the answer.
        last: Give ``isLast``.
    """
    return reply(bean(c, items, shape, default, largest, links=links, name=name, last=last))


def bean(
    c: Context,
    items: Sequence[T],
    shape: Callable[[T], Any],
    default: int = 50,
    largest: int = 50,
    *,
    links: bool = True,
    name: str = "values",
    last: bool = True,
) -> dict[str, Any]:
    """What :func:`page` answers."""
    start, size = c.page(default, largest)
    end = start + size
    answer: dict[str, Any] = {}
    if links:
        request = c.call.request
        kept = [
            f"{key}={value}"
            for key, _, value in (part.partition("=") for part in request.query_string.split("&"))
            if key and key not in ("startAt", "maxResults")
        ]
        base = f"{request.base_url}{request.path}?" + "&".join([*kept, f"maxResults={size}"])
        answer["self"] = f"{base}&startAt={start}"
        if size and end < len(items):
            answer["nextPage"] = f"{base}&startAt={end}"
    answer |= {"maxResults": size, "startAt": start, "total": len(items)}
    if last:
        answer["isLast"] = end >= len(items)
    return {**answer, name: [shape(item) for item in items[start:end]]}


def plain_page(c: Context, items: Sequence[T], shape: Callable[[T], Any]) -> Response:
    """A page of the agile API: no links."""
    return page(c, items, shape, 50, 100, links=False)
