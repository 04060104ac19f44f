"""The progress display of an import: a bar on a terminal, lines in a log."""

import io
from contextlib import suppress

import pytest
from rich.console import Console

from db.importing.progress import BarProgress, ImportProgress, LogProgress, format_duration, progress_for
from db.importing.readers.feed import Feed, RecordBatch


async def nothing():
    batch: RecordBatch = []
    yield batch


def feed(total: int, position: int) -> Feed:
    return Feed("shop", nothing(), total=total, unit="bytes", completed=lambda: position)


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=160)


def output_of(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_log_gets_a_line_with_rate_and_time_left_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("db.importing.progress.time.monotonic", lambda: now[0])
    log = console(terminal=False)

    with LogProgress(log) as progress:
        progress.start(feed(1000, 250))
        for seconds, rows in ((101, 500), (110, 20_000), (111, 22_000), (116, 40_000)):
            now[0] = seconds
            progress.update(rows)
        progress.start_phase("Comparing with the catalog")

    assert output_of(log).splitlines() == [
        "20,000 rows read, 2,000 rows/s, 25%, 30 s left",
        "40,000 rows read, 2,500 rows/s, 25%, 48 s left",
        "Comparing with the catalog",
    ]


@pytest.mark.parametrize(("total", "position"), [(0, 0), (1000, 0)])
def test_no_time_left_is_printed_if_the_progress_is_unknown(total: int, position: int) -> None:
    log = console(terminal=False)

    with LogProgress(log, interval=0) as progress:
        progress.start(feed(total, position))
        progress.update(10)

    assert "left" not in output_of(log)
    assert output_of(log).startswith("10 rows read, ")


def test_a_terminal_gets_a_bar_and_then_the_steps() -> None:
    terminal = console(terminal=True)

    with progress_for(terminal) as progress:
        assert isinstance(progress, BarProgress)
        progress.start(feed(1000, 500))
        progress.update(12_345)
        progress.start_phase("Comparing with the catalog")
        progress.start_phase("Committing")

    assert "12,345 rows" in output_of(terminal)
    assert "Comparing with the catalog" in output_of(terminal)
    assert "Committing" in output_of(terminal)


def test_a_bar_restores_the_terminal_after_an_error() -> None:
    terminal = console(terminal=True)

    with suppress(RuntimeError), progress_for(terminal) as progress:
        progress.update(1)
        progress.start(feed(10, 1))
        raise RuntimeError

    assert output_of(terminal).endswith("\x1b[?25h")


def test_lines_are_printed_without_a_terminal() -> None:
    assert isinstance(progress_for(console(terminal=False)), LogProgress)


def test_the_base_class_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with ImportProgress() as progress:
        progress.start(feed(1, 1))
        progress.update(1)
        progress.start_phase("Committing")

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "formatted"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "60 min 0 s")]
)
def test_durations_are_formatted_in_minutes_and_seconds(seconds: float, formatted: str) -> None:
    assert format_duration(seconds) == formatted
