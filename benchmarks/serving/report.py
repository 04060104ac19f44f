"""Report the measurements as a table and as JSON: medians, and ratios of paired rounds with their goals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.serving.rounds import Sample
from benchmarks.serving.servers import Server
from benchmarks.serving.workloads import OURS, WORKLOADS, Workload

WIDTH = 118
"""Width of a table in terminal columns."""

MEASURES = ("per_second", "p50", "p99", "server_cpu", "postgres_cpu", "load_cpu")
GOALS: dict[str, tuple[float, float]] = {
    "idiomatic": (5.0, 3.0),
    "postgraphile": (2.0, 1.5),
    "mercurius": (1.15, 1.0),
    "bare": (0.85, 0.75),
}
"""Minimum ratio ours / other in requests per second: for the first workload, and for each other one that reads."""

CPU_GOALS: dict[tuple[str, str], float] = {("bare", "update_offer"): 1 / 1.5}
"""Minimum ratio other / ours in the server's CPU time, by server and workload."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """The medians over the rounds of a server under a workload.

    `ratio` is ours / other in requests per second, `cpu_ratio` is other / ours in the server's CPU time. Above 1,
    ours is better in both.
    """

    server: str
    work: str
    per_second: float
    p50: float
    p99: float
    server_cpu: float
    postgres_cpu: float
    load_cpu: float
    ratio: float | None
    cpu_ratio: float | None
    goal: float | None
    cpu_goal: float | None

    @property
    def missed(self) -> bool:
        return is_missed(self.ratio, self.goal)

    @property
    def cpu_missed(self) -> bool:
        return is_missed(self.cpu_ratio, self.cpu_goal)


def is_missed(ratio: float | None, goal: float | None) -> bool:
    return goal is not None and ratio is not None and ratio < goal


def summarize(samples: Sequence[Sample]) -> list[ReportLine]:
    """Return a line for each workload and server, in the order of the samples' first round."""
    samples_by_key = {(each.server, each.work, each.round): each for each in samples}
    measured = dict.fromkeys((each.work, each.server) for each in samples if each.round == 0)
    rounds = range(1 + max(each.round for each in samples))
    report_lines: list[ReportLine] = []
    for work, server in measured:
        theirs = [samples_by_key[server, work, number] for number in rounds]
        ours = [
            samples_by_key[OURS, work, number] for number in rounds if (OURS, work, number) in samples_by_key
        ]
        ratios: tuple[float | None, float | None] = (None, None)
        if ours and server != OURS:
            pairs = tuple(zip(ours, theirs, strict=True))
            ratios = (
                median(one.per_second / other.per_second for one, other in pairs),
                median(other.server_cpu / one.server_cpu for one, other in pairs),
            )
        report_lines.append(
            ReportLine(
                server=server,
                work=work,
                ratio=ratios[0],
                cpu_ratio=ratios[1],
                goal=goal_of(server, work),
                cpu_goal=CPU_GOALS.get((server, work)),
                **{name: median(getattr(each, name) for each in theirs) for name in MEASURES},
            )
        )
    return report_lines


def goal_of(server: str, work: str) -> float | None:
    goals = GOALS.get(server)
    if goals is None or any(each.writes for each in WORKLOADS if each.key == work):
        return None
    return goals[work != WORKLOADS[0].key]


def build_table(
    work: Workload, report_lines: Sequence[ReportLine], servers: Sequence[Server], memory: dict[str, float]
) -> Table:
    result = Table(title=work.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    result.add_column("server", no_wrap=True)
    for heading in (
        "req/s", "p50\nms", "p99\nms", "CPU\nms", "of\ncore", "PG CPU\nms", "RSS\nMB", "ours\n/ it",
        "CPU it\n/ ours", "goal",
    ):  # fmt: skip
        result.add_column(heading, justify="right", no_wrap=True)
    titles = {server.key: server.title for server in servers}
    for line in sorted(
        (line for line in report_lines if line.work == work.key), key=lambda line: -line.per_second
    ):
        result.add_row(
            titles[line.server],
            f"{line.per_second:,.0f}",
            f"{line.p50:.1f}",
            f"{line.p99:.1f}",
            f"{line.server_cpu:.2f}",
            f"{line.server_cpu * line.per_second / 1000:.0%}",
            f"{line.postgres_cpu:.2f}",
            f"{memory[line.server]:.0f}",
            ratio_cell(line.ratio, line.goal),
            ratio_cell(line.cpu_ratio, line.cpu_goal),
            f"≥ {line.goal:.2f}" if line.goal else f"CPU ≥ {line.cpu_goal:.2f}" if line.cpu_goal else "",
            style="bold" if line.server == OURS else "",
        )
    for server in servers:
        if work.writes and not server.writes:
            result.add_row(server.title, *("–" for _ in result.columns[1:]))
    return result


def ratio_cell(ratio: float | None, goal: float | None) -> str:
    if ratio is None:
        return ""
    colour = "default" if goal is None else "red" if ratio < goal else "green"
    return f"[{colour}]{ratio:.2f}[/]"


def kind_of(*, writes: bool) -> str:
    """Return what the servers of a catalog do, which is the key of their memory."""
    return "write" if writes else "read"


def print_report(
    console: Console,
    report_lines: Sequence[ReportLine],
    servers: Sequence[Server],
    memory: dict[str, dict[str, float]],
) -> None:
    """Print a table for each work. `memory` has the MB of each server that read, and of each that wrote."""
    measured = {line.work for line in report_lines}
    for work in WORKLOADS:
        if work.key in measured:
            console.print(build_table(work, report_lines, servers, memory[kind_of(writes=work.writes)]))
    missed = [
        f"{line.work} / {line.server}: {line.ratio:.2f} < {line.goal}" for line in report_lines if line.missed
    ] + [
        f"CPU of {line.work} / {line.server}: {line.cpu_ratio:.2f} < {line.cpu_goal:.2f}"
        for line in report_lines
        if line.cpu_missed
    ]
    heaviest = max(line.load_cpu * line.per_second / 1000 for line in report_lines)
    console.print(
        'CPU is per request, of the server and of PostgreSQL. "Of core" is the server\'s share of its core;'
        f" the load used at most {heaviest:.0%} of the other core."
    )
    console.print("Missed goals: " + ("; ".join(missed) if missed else "none"))


def as_json(
    circumstances: dict[str, Any], samples: Sequence[Sample], memory: dict[str, dict[str, float]]
) -> dict[str, Any]:
    return {
        "circumstances": circumstances,
        "memory_mb": memory,
        "lines": [asdict(line) for line in summarize(samples)],
        "samples": [asdict(sample) for sample in samples],
    }


def parse_samples(document: dict[str, Any]) -> list[Sample]:
    """Return the samples in a JSON document of results."""
    names = [field.name for field in fields(Sample)]
    return [Sample(*(each[name] for name in names)) for each in document["samples"]]
