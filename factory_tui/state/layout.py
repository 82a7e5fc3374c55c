"""A layered graph on a grid of character cells: where boxes go, through which cells edges run.

Layers follow one another along the *main* axis (to the right for "LR", down for "TB"); within a
layer boxes stand side by side on the *cross* axis. Edges run through the channels between layers:
out of a port, along a track, into a port. Edges over several layers pass through places kept free
for them; edges that lead back go round the outside on lanes of their own. No two edges share a
piece of line; where they cross, they cross at right angles.

Layers and the order in them come with the graph (the engine computes them). What is missing is
only what no library for graph layout does: ports, tracks and lanes on whole cells.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from rich.cells import cell_len

from factory_tui.state.tracks import Run, assign, pieces

__all__ = ["Box", "Drawing", "Link", "Place", "lay_out"]

_SWEEPS: Final = 8
_LR_GAP: Final = 1
_TB_GAP: Final = 3
"""Free cells between neighbours in a layer."""


class Box(NamedTuple):
    """A node to be placed: its place in the graph, and the least size of its box in cells."""

    id: str
    layer: int
    order: int
    width: int
    height: int


class Link(NamedTuple):
    """An edge to be routed. ``label`` stands where the edge leaves its source."""

    key: Hashable
    source: str
    target: str
    label: str = ""


class Place(NamedTuple):
    """A box on the grid: its left upper cell and its size."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: Place) -> bool:
        """Whether the two share a cell."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Cell(NamedTuple):
    """A piece of line in a cell: which sides it reaches (N 1, E 2, S 4, W 8), whose edge it is."""

    sides: int
    key: Hashable


@dataclass(slots=True)
class Drawing:
    """What is where. ``cells`` are the edges' pieces by (x, y), the latest on top.

    ``ends`` are the cells of arrow heads with the side they point to, ``labels`` texts with the
    cell they begin in and their edge.
    """

    width: int = 0
    height: int = 0
    boxes: dict[str, Place] = field(default_factory=dict)
    cells: dict[tuple[int, int], list[Cell]] = field(default_factory=dict)
    ends: dict[tuple[int, int], tuple[int, Hashable]] = field(default_factory=dict)
    labels: list[tuple[int, int, str, Hashable]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Item:
    """A box, or a place kept free for an edge that passes its layer."""

    id: str
    layer: int
    size: int
    """Cells on the cross axis."""
    order: float = 0.0
    at: int = 0
    before: list[tuple[_Item, int, int]] = field(default_factory=list)
    after: list[tuple[_Item, int, int]] = field(default_factory=list)
    """Neighbours in the layers before and after: (item, own port, their port)."""

    def neighbours(self, forward: bool) -> list[tuple[_Item, int, int]]:
        """Those before, going forward through the layers, else those after."""
        return self.before if forward else self.after


NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8


def lay_out(
    boxes: Sequence[Box], links: Sequence[Link], direction: str, *, tight: bool = False
) -> Drawing:
    """Place boxes and route links.

    Args:
        boxes: every node once.
        links: edges between them; those to unknown nodes are left out.
        direction: "LR" or "TB".
        tight: spend no row on air between a box and a track below it.
    """
    if not boxes:
        return Drawing()
    return _Layout(boxes, links, direction == "LR", tight).draw()


class _Layout:
    def __init__(
        self, boxes: Sequence[Box], links: Sequence[Link], across: bool, tight: bool
    ) -> None:
        self.across, self.tight = across, tight
        self.boxes = {box.id: box for box in boxes}
        self.links = [k for k in links if k.source in self.boxes and k.target in self.boxes]
        used = sorted({box.layer for box in boxes})
        self.layer_of = {b.id: used.index(b.layer) for b in boxes}
        self.layers: list[list[_Item]] = [[] for _ in used]
        self.items: dict[str, _Item] = {}
        self.chains: list[list[_Item]] = []
        self.out_port: dict[int, int] = {}
        self.in_port: dict[int, int] = {}

    def draw(self) -> Drawing:
        """All of it."""
        self._ports()
        for box in sorted(self.boxes.values(), key=lambda b: (self.layer_of[b.id], b.order)):
            item = self.items[box.id]
            item.order = len(self.layers[item.layer])
            self.layers[item.layer].append(item)
        self.chains = [self._chain(link) for link in self.links]
        self._join()
        self._untangle()
        # Now that it is known who stands where, ports can stand in the same order.
        self._ports()
        self._join()
        self._spread()
        self._choose_lanes()
        return self._route()

    # -- ports -----------------------------------------------------------------------------

    def _ports(self) -> None:
        """Give every edge cells of its own on its source's and its target's box."""
        outs: dict[str, list[int]] = {ident: [] for ident in self.boxes}
        ins: dict[str, list[int]] = {ident: [] for ident in self.boxes}
        for number, link in enumerate(self.links):
            outs[link.source].append(number)
            ins[link.target].append(number)
        for ident, box in self.boxes.items():
            # What leads back goes round the far side, so it takes the last ports.
            for group in (outs[ident], ins[ident]):
                group.sort(key=lambda n: (self._leads_back(self.links[n]), self._far(n, ident)))
            if self.across:
                rooms_out, rooms_in = [1] * len(outs[ident]), [1] * len(ins[ident])
                size = max(box.height, max(len(rooms_out), len(rooms_in)) + 2)
            else:
                rooms_out = [self._room(self.links[n]) for n in outs[ident]]
                rooms_in = [2] * len(ins[ident])
                size = max(box.width, sum(rooms_out) + 1, sum(rooms_in) + 2)
            self.items.setdefault(ident, _Item(ident, self.layer_of[ident], size))
            self.out_port |= _spaced(outs[ident], rooms_out, size)
            self.in_port |= _spaced(ins[ident], rooms_in, size)

    @staticmethod
    def _room(link: Link) -> int:
        """Cells that a port at the lower side of a box takes, with the label beside it."""
        return cell_len(link.label) + 3 if link.label else 2

    def _leads_back(self, link: Link) -> bool:
        return self.layer_of[link.target] <= self.layer_of[link.source]

    def _far(self, number: int, ident: str) -> tuple[float, int]:
        """What an edge's ports are ordered by: where its next stop stands."""
        link = self.links[number]
        chain = self.chains[number] if self.chains else []
        if chain:
            return (chain[1] if link.source == ident else chain[-2]).order, number
        other = self.boxes[link.target if link.source == ident else link.source]
        return other.order, number

    # -- order and place -------------------------------------------------------------------

    def _chain(self, link: Link) -> list[_Item]:
        """The items that a forward edge goes through; empty for one that leads back."""
        if self._leads_back(link):
            return []
        source, target = self.items[link.source], self.items[link.target]
        chain = [source]
        for layer in range(source.layer + 1, target.layer):
            item = _Item("", layer, 1, order=source.order + 0.5)
            self.layers[layer].append(item)
            chain.append(item)
        chain.append(target)
        return chain

    def _join(self) -> None:
        """Tell every item its neighbours along the edges, and the ports between them."""
        for layer in self.layers:
            for item in layer:
                item.before, item.after = [], []
        for number, chain in enumerate(self.chains):
            self._join_chain(number, chain)

    def _join_chain(self, number: int, chain: Sequence[_Item]) -> None:
        for one, two in pairwise(chain):
            own = self.out_port[number] if one is chain[0] else 0
            theirs = self.in_port[number] if two is chain[-1] else 0
            one.after.append((two, own, theirs))
            two.before.append((one, theirs, own))

    def _untangle(self) -> None:
        """Order the layers so that few edges cross: each item near the middle of its neighbours."""
        for layer in self.layers:
            layer.sort(key=lambda item: item.order)
            for place, item in enumerate(layer):
                item.order = place
        best, fewest = self._orders(), self._crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            forward = sweep % 2 == 0
            for layer in self.layers if forward else reversed(self.layers):
                wanted = {id(item): _middle(item, forward) for item in layer}
                layer.sort(key=lambda item: wanted[id(item)])
                for place, item in enumerate(layer):
                    item.order = place
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = self._orders(), crossings
        self.layers = best
        for layer in self.layers:
            for place, item in enumerate(layer):
                item.order = place

    def _orders(self) -> list[list[_Item]]:
        return [list(layer) for layer in self.layers]

    def _crossings(self) -> int:
        count = 0
        for layer in self.layers:
            ends = [
                (item.order, own, other.order, theirs)
                for item in layer
                for other, own, theirs in item.after
            ]
            if len(ends) > 400:
                return 0  # too many to be worth counting; the engine's order is good enough
            count += sum(
                (a[:2] < b[:2]) != (a[2:] < b[2:]) and a[:2] != b[:2] and a[2:] != b[2:]
                for at, a in enumerate(ends)
                for b in ends[at + 1 :]
            )
        return count

    def _spread(self) -> None:
        """Place the items of every layer: as straight as possible, in order, not too close."""
        gap = _LR_GAP if self.across else _TB_GAP
        for layer in self.layers:
            at = 0
            for item in layer:
                item.at = at
                at += item.size + gap
        for sweep in range(_SWEEPS):
            forward = sweep % 2 == 0
            for layer in self.layers if forward else reversed(self.layers):
                wanted = [_straight(item, forward) for item in layer]
                for item, at in zip(layer, _apart(layer, wanted, gap), strict=True):
                    item.at = at
        low = min(item.at for layer in self.layers for item in layer)
        for layer in self.layers:
            for item in layer:
                item.at -= low

    # -- routes ----------------------------------------------------------------------------

    def _route(self) -> Drawing:
        """Choose tracks and lanes, give layers and channels their place, draw every edge."""
        # Channel n lies before layer n; the last one after all of them.
        channels: list[list[Run]] = [[] for _ in range(len(self.layers) + 1)]
        hops = [self._hops(number, channels) for number in range(len(self.links))]
        tracks = [assign(channel) for channel in channels]
        labels = self._label_rooms()
        begins, layer_at, at = [], [], 0
        for n, channel in enumerate(channels):
            begins.append(at)
            if n < len(self.layers):
                at += self._breadth(n, labels[n], tracks[n], bool(channel))
                layer_at.append(at)
                at += max(self._main_size(item) for item in self.layers[n])
        pen = _Pen(self.across)
        for n, layer in enumerate(self.layers):
            for item in layer:
                if item.id:
                    pen.box(item.id, layer_at[n], item.at, self._main_size(item), item.size)
        for number, link in enumerate(self.links):
            source, target = self.items[link.source], self.items[link.target]
            out = layer_at[source.layer] + self._main_size(source)
            points = [(out, source.at + self.out_port[number])]
            for channel_n, run in hops[number]:
                first = begins[channel_n] + self._way_out(channel_n, labels[channel_n])
                for piece in pieces(run):
                    if piece.track >= 0:
                        points += [(first + piece.track, piece.start)]
                        points += [(first + piece.track, piece.end)]
            points.append((layer_at[target.layer] - 1, target.at + self.in_port[number]))
            pen.line(link.key, points)
            if link.label:
                pen.label(link.key, link.label, *points[0])
        return pen.drawing

    def _hops(self, number: int, channels: list[list[Run]]) -> list[tuple[int, Run]]:
        """The runs of an edge, each with its channel."""
        link, chain = self.links[number], self.chains[number]
        source, target = self.items[link.source], self.items[link.target]
        start = source.at + self.out_port[number]
        end = target.at + self.in_port[number]
        hops = []
        if chain:
            for one, two in pairwise(chain):
                here = start if one is source else one.at
                there = end if two is target else two.at
                hops.append((two.layer, Run(number, here, there)))
        else:
            lane = self.lanes[number]
            hops = [
                (source.layer + 1, Run(number, start, lane)),
                (target.layer, Run(number, lane, end)),
            ]
        for n, run in hops:
            channels[n].append(run)
        return hops

    def _choose_lanes(self) -> None:
        """The cross position of every edge that leads back; side by side they differ."""
        far = max(item.at + item.size for layer in self.layers for item in layer)
        step = 1 if self.across else 2
        taken: list[list[tuple[int, int]]] = []
        self.lanes: dict[int, int] = {}
        spans = {
            n: (self.layer_of[self.links[n].target], self.layer_of[self.links[n].source] + 1)
            for n, chain in enumerate(self.chains)
            if not chain
        }
        for n, (low, high) in sorted(spans.items(), key=lambda s: (s[1][1] - s[1][0], s[0])):
            lane = 0
            while lane < len(taken) and any(low <= b and a <= high for a, b in taken[lane]):
                lane += 1
            if lane == len(taken):
                taken.append([])
            taken[lane].append((low, high))
            self.lanes[n] = far + 1 + lane * step

    def _label_rooms(self) -> list[int]:
        """Cells on the main axis that each channel needs for labels."""
        rooms = [0] * (len(self.layers) + 1)
        for link in self.links:
            if link.label:
                n = self.layer_of[link.source] + 1
                rooms[n] = max(rooms[n], cell_len(link.label) + 3 if self.across else 1)
        return rooms

    def _breadth(self, n: int, label: int, tracks: int, used: bool) -> int:
        """Cells of a channel: way out, labels, tracks, arrow heads."""
        if n == 0:
            return tracks + 1 if used else 0
        if self.across:
            return max(4, self._way_out(n, label) + tracks + 1)
        return max(1, (self._way_out(n, label) if tracks else label) + tracks + 1)

    def _way_out(self, n: int, label: int) -> int:
        """Cells between the boxes before a channel and its tracks."""
        if n == 0:
            return 0
        return label + 1 if self.across else max(label, 0 if self.tight else 1)

    def _main_size(self, item: _Item) -> int:
        if not item.id:
            return 1
        box = self.boxes[item.id]
        return box.width if self.across else box.height


def _spaced(numbers: Sequence[int], rooms: Sequence[int], size: int) -> dict[int, int]:
    """Ports on a side of a box, in the middle of it: their cells, counted from its corner."""
    # The last label may stand beyond the middle, but not beyond the box.
    seen = sum(rooms[:-1]) + min(rooms[-1], 2) if rooms else 0
    at = max(1, min((size - seen) // 2, size - sum(rooms)))
    ports = {}
    for number, room in zip(numbers, rooms, strict=True):
        ports[number] = min(at, size - 2)
        at += room
    return ports


def _middle(item: _Item, forward: bool) -> float:
    """Where an item's neighbours in the layer before (or after) are on average."""
    ends = [other.order + theirs / 1000 for other, _, theirs in item.neighbours(forward)]
    return sum(ends) / len(ends) if ends else item.order


def _straight(item: _Item, forward: bool) -> float:
    """Where an item would have to be for its edges to run straight, the mean of them."""
    ends = [other.at + theirs - own for other, own, theirs in item.neighbours(forward)]
    return sum(ends) / len(ends) if ends else item.at


def _apart(layer: Sequence[_Item], wanted: Sequence[float], gap: int) -> list[int]:
    """The places nearest to the wanted ones that keep order and distance.

    Pool adjacent violators: without the sizes before them, places must not fall.
    """
    shifts, at = [], 0
    for item in layer:
        shifts.append(at)
        at += item.size + gap
    pools: list[list[float]] = []  # mean, count
    for want, shift in zip(wanted, shifts, strict=True):
        pools.append([want - shift, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            before = pools[-1]
            before[0] = (before[0] * before[1] + mean * count) / (before[1] + count)
            before[1] += count
    places = [mean for mean, count in pools for _ in range(int(count))]
    return [round(mean) + shift for mean, shift in zip(places, shifts, strict=True)]


class _Pen:
    """Draws on a :class:`Drawing` in main and cross coordinates."""

    def __init__(self, across: bool) -> None:
        self.across = across
        self.drawing = Drawing()

    def _xy(self, main: int, cross: int) -> tuple[int, int]:
        return (main, cross) if self.across else (cross, main)

    def _reach(self, x: int, y: int) -> None:
        self.drawing.width = max(self.drawing.width, x + 1)
        self.drawing.height = max(self.drawing.height, y + 1)

    def box(self, ident: str, main: int, cross: int, depth: int, size: int) -> None:
        """Put a box."""
        (x, y), (width, height) = self._xy(main, cross), self._xy(depth, size)
        self.drawing.boxes[ident] = Place(x, y, width, height)
        self._reach(x + width - 1, y + height - 1)

    def line(self, key: Hashable, points: Sequence[tuple[int, int]]) -> None:
        """Draw an edge along points (main, cross), each in line with the one before."""
        sides: dict[tuple[int, int], int] = {}
        spots = [self._xy(*point) for point in points]
        x, y = spots[0]
        # The way out of the box is joined to its border.
        sides[x, y] = WEST if self.across else NORTH
        for to_x, to_y in spots[1:]:
            while (x, y) != (to_x, to_y):
                dx, dy = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
                ahead, back = _SIDES[dx, dy], _SIDES[-dx, -dy]
                sides[x, y] = sides.get((x, y), 0) | ahead
                x, y = x + dx, y + dy
                sides[x, y] = sides.get((x, y), 0) | back
        sides[x, y] = sides.get((x, y), 0) | (EAST if self.across else SOUTH)
        for spot, reached in sides.items():
            self.drawing.cells.setdefault(spot, []).append(Cell(reached, key))
            self._reach(*spot)
        self.drawing.ends[x, y] = (EAST if self.across else SOUTH, key)

    def label(self, key: Hashable, text: str, main: int, cross: int) -> None:
        """Write a label where an edge begins: into its line, or beside it."""
        x, y = self._xy(main, cross)
        x += 1 if self.across else 2
        text = f" {text} " if self.across else text
        self.drawing.labels.append((x, y, text, key))
        self._reach(x + cell_len(text) - 1, y)


_SIDES: Final = {(1, 0): EAST, (-1, 0): WEST, (0, 1): SOUTH, (0, -1): NORTH}
