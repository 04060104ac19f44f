"""Display the progress of an import: a bar on a terminal, otherwise a line every few seconds."""

import time
from types import TracebackType
from typing import TypeVar

from rich import progress as bars
from rich.console import Console

from db.importing.readers.feed import Feed

_LOG_INTERVAL = 5.0

Self = TypeVar("Self", bound="ImportProgress")


class ImportProgress:
    """Base class that displays nothing. Use it as a context manager around one import."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore the terminal."""

    def start(self, feed: Feed) -> None:
        """Start to display the reading of the feed."""

    def update(self, rows: int) -> None:
        """Display that `rows` rows have been read in total."""

    def start_phase(self, title: str) -> None:
        """Display that the previous step ended and this one began."""

    def pause(self) -> None:
        """Leave the terminal to a question, until the next step."""


class LogProgress(ImportProgress):
    """Print plain lines, for a log."""

    def __init__(self, console: Console, *, interval: float = _LOG_INTERVAL) -> None:
        self._console = console
        self._interval = interval
        self._feed: Feed | None = None
        self._started = self._last_printed = time.monotonic()

    def start(self, feed: Feed) -> None:
        self._feed = feed
        self._started = self._last_printed = time.monotonic()

    def update(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._last_printed >= self._interval:
            self._last_printed = now
            self._print(
                f"{rows:,} rows read, {_format_rate(rows, now - self._started)}{self._time_left(now)}"
            )

    def start_phase(self, title: str) -> None:
        self._print(title)

    def _time_left(self, now: float) -> str:
        """Return the percentage read and the estimated time left, or "" if unknown."""
        feed = self._feed
        if feed is None or not feed.total or not feed.completed():
            return ""
        share = min(feed.completed() / feed.total, 1.0)
        return f", {share:.0%}, {format_duration((now - self._started) * (1 - share) / share)} left"

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class BarProgress(ImportProgress):
    """Display a bar with rate and time left, then a spinner for each step of the merge."""

    def __init__(self, console: Console) -> None:
        self._bars = bars.Progress(
            bars.SpinnerColumn(),
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[rate]}", markup=False),
            bars.TimeElapsedColumn(),
            bars.TimeRemainingColumn(),
            console=console,
        )
        self._feed: Feed | None = None
        self._task: bars.TaskID | None = None
        self._started = time.monotonic()

    def __enter__(self: Self) -> Self:
        assert isinstance(self, BarProgress)  # noqa: S101 - for the type checker
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish_task()
        self._bars.stop()

    def start(self, feed: Feed) -> None:
        self._feed = feed
        self._started = time.monotonic()
        self._task = self._bars.add_task("Reading", total=feed.total, rate="")

    def update(self, rows: int) -> None:
        if self._task is not None and self._feed is not None:
            self._bars.update(
                self._task,
                completed=self._feed.completed(),
                rate=f"{rows:,} rows, {_format_rate(rows, time.monotonic() - self._started)}",
            )

    def start_phase(self, title: str) -> None:
        self._bars.start()
        self._finish_task()
        self._task = self._bars.add_task(title, total=None, rate="")

    def pause(self) -> None:
        self._finish_task()
        self._bars.stop()

    def _finish_task(self) -> None:
        if self._task is not None:
            self._bars.update(self._task, total=1, completed=1)


def progress_for(console: Console) -> ImportProgress:
    """Return a bar if the console is a terminal, otherwise lines."""
    return BarProgress(console) if console.is_terminal else LogProgress(console)


def _format_rate(rows: int, seconds: float) -> str:
    return f"{rows / max(seconds, 0.001):,.0f} rows/s"


def format_duration(seconds: float) -> str:
    minutes, remainder = divmod(round(seconds), 60)
    return f"{minutes} min {remainder} s" if minutes else f"{remainder} s"
