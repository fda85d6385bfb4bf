"""Where a winner comes from, drawn in SVG: generations from left to right, parents to children."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from benbot.experiments.evolving.tree_figure import svg
from benbot.experiments.report.drawing import AGENT

ACROSS, DOWN = 46.0, 20.0  # pixels from one generation, and from one ancestor, to the next
MARGIN, FOOT, RADIUS = 14.0, 22.0, 5.0
MOST = 200  # ancestors that are drawn, the youngest


def family_svg(ancestors: Sequence[Mapping[str, Any]]) -> str:
    """Return a winner, which comes first, and its ancestors, each a dot that tells its formula."""
    drawn = ancestors[:MOST]
    places = _places(drawn)
    lines = [
        _line(places[parent], places[each["digest"]])
        for each in drawn
        for parent in each["parents"]
        if parent in places
    ]
    dots = [_dot(each, places[each["digest"]], i == 0) for i, each in enumerate(drawn)]
    width = max(x for x, _ in places.values()) + 2.0 * MARGIN
    height = max(y for _, y in places.values()) + MARGIN + FOOT
    last = int(drawn[0]["generation"])
    first = min(int(each["generation"]) for each in drawn)
    numbers = [_number(n, first, height) for n in range(first, last + 1)]
    return svg(
        width, height, f"{len(drawn)} of generations {first} to {last}", lines + dots + numbers
    )


def _places(ancestors: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return where each ancestor is drawn: a generation is a column, near its children."""
    first = min(int(each["generation"]) for each in ancestors)
    children: dict[str, list[str]] = {}
    for each in ancestors:
        for parent in each["parents"]:
            children.setdefault(parent, []).append(each["digest"])
    places: dict[str, tuple[float, float]] = {}
    columns: dict[int, list[str]] = {}
    for each in ancestors:
        columns.setdefault(int(each["generation"]), []).append(each["digest"])
    for generation in sorted(columns, reverse=True):
        column = columns[generation]
        wanted = {digest: _middle(children.get(digest, []), places) for digest in column}
        column.sort(key=lambda digest: (wanted[digest], digest))
        x = MARGIN + ACROSS * (generation - first)
        places |= {digest: (x, MARGIN + DOWN * row) for row, digest in enumerate(column)}
    return places


def _middle(children: Sequence[str], places: Mapping[str, tuple[float, float]]) -> float:
    heights = [places[child][1] for child in children if child in places]
    return sum(heights) / len(heights) if heights else 0.0


def _line(parent: tuple[float, float], child: tuple[float, float]) -> str:
    middle = (parent[0] + child[0]) / 2.0
    return (
        f'<path d="M{parent[0]:.1f} {parent[1]:.1f}C{middle:.1f} {parent[1]:.1f} {middle:.1f} '
        f'{child[1]:.1f} {child[0]:.1f} {child[1]:.1f}" stroke="currentColor" opacity="0.35"/>'
    )


def _dot(each: Mapping[str, Any], place: tuple[float, float], is_winner: bool) -> str:
    colour = AGENT if is_winner else "currentColor"
    told = f"generation {each['generation']}, island {each['island']}: {each['formula']}"
    return (
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{RADIUS:.0f}" fill="{colour}">'
        f"<title>{escape(told)}</title></circle>"
    )


def _number(generation: int, first: int, height: float) -> str:
    x = MARGIN + ACROSS * (generation - first)
    return (
        f'<text x="{x:.1f}" y="{height - 4.0:.1f}" text-anchor="middle" fill="currentColor" '
        f'opacity="0.7">{generation}</text>'
    )
