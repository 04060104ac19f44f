"""Plot requests per second of each server, a panel per workload, as SVG for light and dark pages."""

from collections.abc import Sequence
from html import escape

from benchmarks.serving.report import ReportLine
from benchmarks.serving.servers import Server
from benchmarks.serving.workloads import OURS, WORKLOADS

WIDTH, PANEL_WIDTH, MARGIN = 940, 455, 30
BAR, STEP, HEAD = 14, 20, 30
LABEL, VALUE = 208, 52
TOP, FOOT = 44, 26

STYLE = """
text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a }
.title { font-size: 15px; font-weight: 600; fill: #24292f }
.work { font-size: 13px; font-weight: 600; fill: #24292f }
.ours { font-weight: 600; fill: #24292f }
.bar { fill: #afb8c1 }
.bar.first { fill: #1a7f64 }
.label { text-anchor: end }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .title, .work, .ours { fill: #e6edf3 }
  .bar { fill: #4b535d }
  .bar.first { fill: #3fb68b }
}
"""


def plot(report_lines: Sequence[ReportLine], servers: Sequence[Server], caption: str) -> str:
    """Return an SVG document. Bars are drawn to scale within a panel."""
    works = [work for work in WORKLOADS if any(line.work == work.key for line in report_lines)]
    panel_height = HEAD + STEP * len(servers) + 18
    height = TOP + panel_height * ((len(works) + 1) // 2) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' height="{height}" role="img" aria-label="Requests per second of each server per workload">',
        f"<style>{STYLE}</style>",
        '<text class="title" x="0" y="20">Requests per second, one process on one core</text>',
    ]
    for number, work in enumerate(works):
        x, y = (PANEL_WIDTH + MARGIN) * (number % 2), TOP + panel_height * (number // 2)
        parts.append(f'<g transform="translate({x} {y})">')
        parts.append(f'<text class="work" x="0" y="16">{escape(work.title)}</text>')
        rates = {line.server: line.per_second for line in report_lines if line.work == work.key}
        parts.extend(build_bars(rates, servers))
        parts.append("</g>")
    parts.append(f'<text x="0" y="{height - 8}">{escape(caption)}</text></svg>')
    return "\n".join(parts) + "\n"


def build_bars(rates: dict[str, float], servers: Sequence[Server]) -> list[str]:
    scale = (PANEL_WIDTH - LABEL - VALUE) / max(rates.values())
    elements: list[str] = []
    for number, server in enumerate(servers):
        rate = rates.get(server.key)
        y, length = HEAD + STEP * number, max(1.0, (rate or 0) * scale)
        ours = server.key == OURS
        emphasis, first = (" ours", " first") if ours else ("", "")
        elements.append(
            f'<text class="label{emphasis}" x="{LABEL - 8}" y="{y + 11}">{escape(server.title)}</text>'
            f'<rect class="bar{first}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
            f'<text class="{emphasis.strip()}" x="{LABEL + length + 6:.1f}" y="{y + 11}">'
            f"{'–' if rate is None else f'{rate:,.0f}'}</text>"
        )
    return elements
