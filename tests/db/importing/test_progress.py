"""What a person sees of an import: a bar on a terminal, lines in a log."""

import io
from contextlib import suppress

import pytest
from rich.console import Console

from db.importing.progress import Bar, Lines, Progress, duration, progress_on
from db.importing.readers.delivery import Batch, Delivery


async def nothing():
    batch: Batch = []
    yield batch


def delivery(total: int, position: int) -> Delivery:
    return Delivery("shop", nothing(), total=total, unit="bytes", position=lambda: position)


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=160)


def shown(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_log_gets_a_line_with_rate_and_time_left_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("db.importing.progress.time.monotonic", lambda: now[0])
    log = console(terminal=False)

    with Lines(log) as progress:
        progress.begin(delivery(1000, 250))
        for seconds, rows in ((101, 500), (110, 20_000), (111, 22_000), (116, 40_000)):
            now[0] = seconds
            progress.read(rows)
        progress.phase("Comparing with the catalog")

    assert shown(log).splitlines() == [
        "20,000 rows read, 2,000 rows/s, 25%, 30 s left",
        "40,000 rows read, 2,500 rows/s, 25%, 48 s left",
        "Comparing with the catalog",
    ]


@pytest.mark.parametrize(("total", "position"), [(0, 0), (1000, 0)])
def test_where_nobody_knows_how_far_no_time_is_promised(total: int, position: int) -> None:
    log = console(terminal=False)

    with Lines(log, every=0) as progress:
        progress.begin(delivery(total, position))
        progress.read(10)

    assert "left" not in shown(log)
    assert shown(log).startswith("10 rows read, ")


def test_a_terminal_gets_a_bar_and_then_the_steps() -> None:
    terminal = console(terminal=True)

    with progress_on(terminal) as progress:
        assert isinstance(progress, Bar)
        progress.begin(delivery(1000, 500))
        progress.read(12_345)
        progress.phase("Comparing with the catalog")
        progress.phase("Committing")

    assert "12,345 rows" in shown(terminal)
    assert "Comparing with the catalog" in shown(terminal)
    assert "Committing" in shown(terminal)


def test_a_bar_that_is_torn_down_by_an_error_leaves_the_terminal_alone() -> None:
    terminal = console(terminal=True)

    with suppress(RuntimeError), progress_on(terminal) as progress:
        progress.read(1)
        progress.begin(delivery(10, 1))
        raise RuntimeError

    assert shown(terminal).endswith("\x1b[?25h")


def test_where_there_is_no_terminal_there_are_lines() -> None:
    assert isinstance(progress_on(console(terminal=False)), Lines)


def test_silence_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.begin(delivery(1, 1))
        progress.read(1)
        progress.phase("Committing")

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "60 min 0 s")]
)
def test_durations_are_said_in_minutes_and_seconds(seconds: float, said: str) -> None:
    assert duration(seconds) == said
