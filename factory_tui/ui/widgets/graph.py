"""A pipeline drawn in text: boxes with what happened in each node, edges with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from factory_tui.state import NODE_GLYPHS, Graph, NodeRun, Pipeline
from factory_tui.state import format as fmt
from factory_tui.state.layout import Box, Drawing, Link, Place, lay_out
from factory_tui.ui.widgets.tones import Part, Toned, fit

__all__ = ["NODE_TONE", "GraphView"]

NODE_TONE: Final = {
    "idle": "faint",
    "live": "accent",
    "asks": "warn",
    "retrying": "warn",
    "success": "good",
    "partial_success": "warn",
    "fail": "bad",
    "skipped": "muted",
    "cancelled": "muted",
    "stood": "warn",
}
"""The tone of a node's state."""

_LINE: Final = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"
"""Box drawing by the sides that are reached: north 1, east 2, south 4, west 8."""

_HEAD: Final = {2: "▶", 4: "▼"}
_CALM, _LIVE, _CHOSEN = "┌─┐│└┘", "┏━┓┃┗┛", "╔═╗║╚╝"
"""Borders: at rest, live, under the cursor."""

_RANK: Final = {"faint": 0, "muted": 1, "text": 2, "accent": 3}


class GraphView(Toned, ScrollView, can_focus=True):
    """The graph of a pipeline; arrows move from node to node, the view follows the live one."""

    DEFAULT_CSS = """
    GraphView {
        width: 1fr; height: 1fr;
        border: round $line;
        border-title-color: $muted;
        border-title-style: none;
        border-subtitle-color: $faint;
        padding: 0 1;
        overflow: auto;
        scrollbar-size: 1 1;
        &:focus {
            border: round $accent;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $muted;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go('up')", "Up", show=False),
        Binding("down,j", "go('down')", "Down", show=False),
        Binding("left,h", "go('left')", "Left", show=False),
        Binding("right,l", "go('right')", "Right", show=False),
        Binding("home,g", "go_start", "Start node", show=False),
        Binding("f", "follow", "Follow", tooltip="Follow the live node, or stay here"),
        Binding("d", "turn", "Direction", tooltip="Draw to the right, downwards, or as it fits"),
        Binding("enter", "open", "Open", tooltip="The node in full"),
    ]

    follow: reactive[bool] = reactive(True, repaint=False)

    @dataclass
    class Moved(Message):
        """Another node is under the cursor."""

        graph: GraphView
        node: str

        @property
        def control(self) -> Widget:
            """The graph, for ``@on`` selectors."""
            return self.graph

    @dataclass
    class Opened(Message):
        """The engineer wants to see a node in full."""

        graph: GraphView
        node: str

        @property
        def control(self) -> Widget:
            """The graph, for ``@on`` selectors."""
            return self.graph

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.pipeline: Pipeline | None = None
        self.cursor = ""
        self.direction = ""
        """As it fits, or "LR" or "TB" as the engineer wants it."""
        self.drawing = Drawing()
        self._going = True
        self._now_ms = 0
        self._graph: Graph | None = None
        self._laid_out_for: object = None
        self._compact = False
        self._rows: dict[int, list[str]] = {}
        self._look: object = None

    # -- what is shown ---------------------------------------------------------------------

    def show(self, pipeline: Pipeline | None, now_ms: int, *, going: bool = True) -> None:
        """Show a pipeline as of now; ``going`` False: what is live only stood there last."""
        if pipeline is not self.pipeline:
            self.cursor = ""
        self.pipeline, self._now_ms, self._going = pipeline, now_ms, going
        self._lay_out()
        if pipeline is not None and (not self.cursor or self.follow):
            self._select(pipeline.rests_at)
        self._caption()
        look = [(node, self._lines(node)) for node in self.drawing.boxes]
        shown = (look, self._taken(), self.cursor)
        if shown != self._look:
            self._look = shown
            self.refresh()

    def state_of(self, node: str) -> str:
        """A key of ``NODE_GLYPHS``: what the node does, as far as the run is going."""
        run = None if self.pipeline is None else self.pipeline.nodes.get(node)
        state = "idle" if run is None else run.state
        return "stood" if state in ("live", "asks", "retrying") and not self._going else state

    def _taken(self) -> tuple[object, ...]:
        pipeline = self.pipeline
        return () if pipeline is None else (tuple(pipeline.taken.items()), pipeline.newest)

    # -- layout ----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        graph = None if self.pipeline is None else self.pipeline.graph
        room = self.scrollable_content_region.size
        wanted = (graph, room, self.direction)
        if wanted == self._laid_out_for or not room.area:
            return
        self._laid_out_for, self._graph = wanted, graph
        self.drawing, self._compact = Drawing(), False
        if graph is not None:
            self.drawing, self._compact = self._best(graph, room)
        self._rows = {}
        for node, place in self.drawing.boxes.items():
            for y in range(place.y, place.y + place.height):
                self._rows.setdefault(y, []).append(node)
        self.virtual_size = Size(self.drawing.width, self.drawing.height)
        self.refresh()

    def seen_in(self, graph: Graph, room: Size) -> tuple[float, int]:
        """The share of the best drawing that is seen at once in so much room, and its height."""
        drawing, _ = self._best(graph, room)
        if not drawing.boxes:
            return 1.0, 0
        across = min(1.0, room.width / drawing.width)
        return across * min(1.0, room.height / drawing.height), drawing.height

    def _best(self, graph: Graph, room: Size) -> tuple[Drawing, bool]:
        """The roomiest drawing that fits; else the one of which most is seen at once."""
        other = {"LR": "TB", "TB": "LR"}
        own = graph.direction if graph.direction in other else "TB"
        ways = [self.direction] if self.direction else [own, other[own]]
        tries = [(way, False, False) for way in ways]
        tries += [("TB", True, False), ("TB", True, True)] if "TB" in ways else []
        best: tuple[float, Drawing, bool] | None = None
        for way, compact, tight in tries:
            drawing = self._drawn(graph, way, compact, tight)
            if drawing.width <= room.width and drawing.height <= room.height:
                return drawing, compact
            seen = min(1.0, room.width / drawing.width) * min(1.0, room.height / drawing.height)
            if best is None or seen > best[0] + 0.05:
                best = (seen, drawing, compact)
        assert best is not None
        return best[1], best[2]

    @staticmethod
    def _drawn(graph: Graph, way: str, compact: bool, tight: bool) -> Drawing:
        longest = max(cell_len(node.label) for node in graph.nodes)
        inner = 26 if compact else max(min(longest, 22) + 6, 18)
        boxes = [
            Box(node.id, node.layer, node.order, inner + 4, 3 if compact else 4)
            for node in graph.nodes
        ]
        links = [
            Link((e.source, e.target, e.label), e.source, e.target, fmt.clip(e.label, 24))
            for e in graph.edges
        ]
        # Two edges with the same ends and the same label are one to whoever looks.
        links = list({link.key: link for link in links}.values())
        return lay_out(boxes, links, way, tight=tight)

    # -- painting --------------------------------------------------------------------------

    def _lines(self, ident: str) -> tuple[str, str, str]:
        """A node's sign and label, its visits and retries, its figures."""
        graph = self._graph
        node = None if graph is None else graph.node(ident)
        label = ident if node is None else node.label
        run = (self.pipeline.nodes.get(ident) if self.pipeline else None) or NodeRun()
        marks = []
        if len(run.visits) > 1:
            marks.append(f"{len(run.visits)}×")
        if run.retries:
            marks.append(f"↻{run.retries}")
        if not run.visits:
            handler = "" if node is None else node.handler
            return f"{NODE_GLYPHS['idle']} {label}", "", handler
        figures = [fmt.duration(run.seconds(self._now_ms))]
        if run.tokens:
            dollars = "?" if run.usd is None else fmt.money(run.usd)
            figures = [fmt.tokens(run.tokens), dollars, *figures]
        sign = NODE_GLYPHS[self.state_of(ident)]
        return f"{sign} {label}", " ".join(marks), " ".join(figures)

    def render_line(self, y: int) -> Strip:
        """Paint one line of what is seen."""
        x, top = self.scroll_offset
        width = self.scrollable_content_region.width
        if not self.drawing.boxes:
            return self.strip(self._nothing(y), width)
        parts = self._row(y + top)
        full = max(self.drawing.width, x + width)
        return self.strip(parts, full).crop(x, x + width)

    def _nothing(self, y: int) -> list[Part]:
        text = (
            "The graph appears when the engine starts the pipeline.",
            "Runs of older versions did not record it.",
        )
        return [(text[y], "muted" if y == 0 else "faint")] if y < len(text) else []

    def _row(self, y: int) -> list[Part]:
        width = self.drawing.width
        cells: list[tuple[str, str]] = [(" ", "text")] * width
        for x in range(width):
            found = self.drawing.cells.get((x, y))
            if found:
                sides = 0
                tone = "faint"
                for piece in found:
                    sides |= piece.sides
                    own = self._edge_tone(piece.key)
                    tone = own if _RANK[own] > _RANK[tone] else tone
                end = self.drawing.ends.get((x, y))
                cells[x] = (_LINE[sides] if end is None else _HEAD[end[0]], tone)
        for x, row, text, key in self.drawing.labels:
            if row == y:
                tone = self._edge_tone(key)
                _put(cells, x, [(text, "muted" if tone == "faint" else tone)])
        for node in self._rows.get(y, ()):
            place = self.drawing.boxes[node]
            _put(cells, place.x, self._box_row(node, place, y - place.y))
        return [
            ("".join(char for char, _ in group), tone)
            for tone, group in groupby(cells, key=lambda cell: cell[1])
        ]

    def _edge_tone(self, key: object) -> str:
        """Lit where the run went: the latest edge brightest."""
        pipeline = self.pipeline
        if pipeline is None or self._graph is None or not isinstance(key, tuple):
            return "faint"
        source, target, label = key
        if self._times(source, target, label):
            newest = pipeline.newest
            last = newest is not None and newest[:2] == (source, target)
            same = last and newest is not None and newest[2] in (label, "")
            return "accent" if same else "text"
        return "faint"

    def _times(self, source: str, target: str, label: str) -> int:
        assert self.pipeline is not None and self._graph is not None
        for edge in self._graph.edges:
            if (edge.source, edge.target, edge.label) == (source, target, label):
                return self.pipeline.times(edge)
        return 0

    def _box_row(self, node: str, place: Place, row: int) -> list[Part]:
        state = self.state_of(node)
        tone = NODE_TONE[state]
        chosen = node == self.cursor
        border = _CHOSEN if chosen else _LIVE if state in ("live", "asks", "retrying") else _CALM
        edge = "accent" if chosen else tone if border is _LIVE else "muted"
        inner = place.width - 4
        if row == 0:
            return [(border[0] + border[1] * (place.width - 2) + border[2], edge)]
        if row == place.height - 1:
            return [(border[4] + border[1] * (place.width - 2) + border[5], edge)]
        title, marks, figures = self._lines(node)
        side: Part = (border[3], edge)
        gap: Part = (" ", "text")
        if row == 1:
            right = f"{marks} {figures}".strip() if self._compact else marks
            if state == "idle" and cell_len(title) + cell_len(right) + 1 > inner:
                right = ""
            room = inner - cell_len(right) - (1 if right else 0)
            name: list[Part] = [
                (title[:2], tone),
                (fit(title[2:], room - 2), "text" if state == "idle" else "strong"),
            ]
            tail: list[Part] = [(" " + right, "muted")] if right else []
            return [side, gap, *name, *tail, gap, side]
        text = figures if row == 2 and not self._compact else ""
        return [side, gap, (fit(text, inner), "faint" if state == "idle" else "muted"), gap, side]

    def _caption(self) -> None:
        pipeline = self.pipeline
        if pipeline is None:
            return
        state = "follow ●" if self.follow else "follow ○"
        name = pipeline.graph.name or "pipeline"
        where = f" in {pipeline.key}" if pipeline.key else ""
        live = [node.label for node in pipeline.graph.nodes if node.id in set(pipeline.live)]
        now = f"  at {', '.join(live)}" if live and self._going else ""
        self.border_title = Content(f"1 Pipeline  {fmt.clip(name, 40)}{where}{now}  {state}")
        self.border_subtitle = Content("←↓↑→ nodes · enter in full")

    # -- cursor ----------------------------------------------------------------------------

    def _select(self, node: str) -> None:
        if node not in self.drawing.boxes:
            node = next(iter(self.drawing.boxes), "")
        if node != self.cursor:
            self.cursor = node
            self.post_message(self.Moved(self, node))
            self.refresh()
            self._reveal()

    def _reveal(self) -> None:
        place = self.drawing.boxes.get(self.cursor)
        if place is not None:
            region = Region(place.x - 2, place.y - 1, place.width + 4, place.height + 2)
            self.scroll_to_region(region, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._lay_out()
        self._reveal()

    def action_go(self, way: str) -> None:
        """Move to the nearest node that way."""
        here = self.drawing.boxes.get(self.cursor)
        if here is None:
            return
        found = nearest(here, self.drawing.boxes.items(), way)
        if found:
            self.follow = False
            self._select(found)

    def action_go_start(self) -> None:
        """Move to where the pipeline starts."""
        if self._graph is not None:
            self.follow = False
            self._select(self._graph.start)

    def action_follow(self) -> None:
        """Follow the live node, or stay."""
        self.follow = not self.follow

    def watch_follow(self, follow: bool) -> None:
        """Go where the run is."""
        if follow and self.pipeline is not None:
            self._select(self.pipeline.rests_at)
        self._caption()

    def action_turn(self) -> None:
        """Draw the other way; then again as it fits."""
        ways = ("", "LR", "TB")
        self.direction = ways[(ways.index(self.direction) + 1) % 3]
        self._lay_out()
        self._reveal()
        names = {"": "as it fits", "LR": "to the right", "TB": "downwards"}
        self.notify(f"Drawn {names[self.direction]}", timeout=2)

    def action_open(self) -> None:
        """Ask to see the node in full."""
        if self.cursor:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Select the node under the pointer; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        x, y = offset.x + self.scroll_offset.x, offset.y + self.scroll_offset.y
        for node, place in self.drawing.boxes.items():
            if place.overlaps(Place(x, y, 1, 1)):
                self.follow = False
                self._select(node)
                if event.chain >= 2:
                    self.action_open()


def _put(cells: list[tuple[str, str]], x: int, parts: Sequence[Part]) -> None:
    """Write parts into a row of cells; a wide character leaves the next cell empty."""
    for text, tone in parts:
        for char in text:
            size = cell_len(char)
            if x >= 0 and x + size <= len(cells) and size:
                cells[x] = (char, tone)
                if size == 2:
                    cells[x + 1] = ("", tone)
            x += size


def nearest(here: Place, boxes: Iterable[tuple[str, Place]], way: str) -> str:
    """The box that lies that way ("up", "down", "left", "right") and is nearest; "" for none."""
    x, y = here.x + here.width / 2, here.y + here.height / 2
    best, least = "", float("inf")
    for ident, place in boxes:
        dx, dy = place.x + place.width / 2 - x, place.y + place.height / 2 - y
        ahead, aside = {
            "right": (dx, dy * 2),
            "left": (-dx, dy * 2),
            "down": (dy * 2, dx),
            "up": (-dy * 2, dx),
        }[way]
        if ahead > 0.5 and ahead + 2 * abs(aside) < least:
            best, least = ident, ahead + 2 * abs(aside)
    return best
