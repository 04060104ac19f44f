"""Plot the search benchmark: p99 of each workload at each size with its limit, as SVG for light and dark pages."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Protocol

WIDTH, LABEL, VALUE = 880, 330, 70
BAR, STEP, GAP, TOP, FOOT = 12, 16, 14, 56, 30
FROM, TO = 0.1, 1000.0
"""Milliseconds at the left and the right end of the scale."""

STYLE = """
text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600; fill: #24292f }
.work { font-weight: 600; fill: #24292f; text-anchor: end }
.size { text-anchor: end }
.bar { fill: #1a7f64 }
.over { fill: #c4432b }
.bound { stroke: #24292f; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .title, .work { fill: #e6edf3 }
  .bar { fill: #3fb68b }
  .over { fill: #f0725c }
  .bound { stroke: #e6edf3 }
}
"""


class PlottedMeasure(Protocol):
    """The attributes of a measure that the plot draws."""

    @property
    def books(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def p99_limit(self) -> float: ...
    @property
    def p99(self) -> float: ...


def plot(measures: Sequence[PlottedMeasure], caption: str) -> str:
    """Return an SVG document. The scale is logarithmic; the line across a bar is its limit."""
    sizes = sorted({each.books for each in measures})
    works: dict[float | str, list[PlottedMeasure]] = {}
    for each in measures:
        works.setdefault(workload_name(each), []).append(each)
    height = TOP + len(works) * (STEP * len(sizes) + GAP + STEP) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-label="p99 of each workload at each size of the catalog">',
        f"<style>{STYLE}</style>",
        '<text class="title" x="0" y="20">p99 in milliseconds on a logarithmic scale; a vertical line is the limit</text>',
    ]
    y = TOP
    for name, entries in works.items():
        parts.append(f'<text class="work" x="{LABEL - 8}" y="{y}">{escape(str(name))}</text>')
        for entry in sorted(entries, key=lambda each: each.books):
            y += STEP
            length = x_position(entry.p99) - LABEL
            over = " over" if entry.p99 > entry.p99_limit else ""
            parts.append(
                f'<text class="size" x="{LABEL - 8}" y="{y}">{entry.books:,} books</text>'
                f'<rect class="bar{over}" x="{LABEL}" y="{y - BAR + 2}" width="{length:.1f}" height="{BAR}" rx="2"/>'
                f'<text class="size" x="{WIDTH - 8}" y="{y}">{entry.p99:,.1f}</text>'
            )
            x = x_position(entry.p99_limit)
            parts.append(f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="{y - BAR}" y2="{y + 4}"/>')
        y += STEP + GAP
    parts.append(f'<text x="0" y="{height - 8}">{escape(caption)}</text></svg>')
    return "\n".join(parts) + "\n"


def workload_name(measure: PlottedMeasure) -> str:
    """Return the workload's name, which is the same at every size."""
    return measure.title.partition(" of a category of ")[0]


def x_position(milliseconds: float) -> float:
    """Return the x position of a time on the scale."""
    share = (log10(min(max(milliseconds, FROM), TO)) - log10(FROM)) / (log10(TO) - log10(FROM))
    return LABEL + max(share * (WIDTH - LABEL - VALUE), 2)
