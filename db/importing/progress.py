"""How an import tells a person where it is: a bar on a terminal, a line every few seconds elsewhere."""

import time
from types import TracebackType
from typing import TypeVar

from rich import progress as bars
from rich.console import Console

from db.importing.readers.delivery import Delivery

SECONDS_BETWEEN_LINES = 5.0

Self = TypeVar("Self", bound="Progress")


class Progress:
    """Says nothing; the others say more. Use as a context manager around one import."""

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""

    def begin(self, delivery: Delivery) -> None:
        """Reading begins."""

    def read(self, rows: int) -> None:
        """So many rows have been read, all in all."""

    def phase(self, title: str) -> None:
        """Reading has ended, or a step after it: this one begins."""


class Lines(Progress):
    """Plain lines, for a log."""

    def __init__(self, console: Console, *, every: float = SECONDS_BETWEEN_LINES) -> None:
        self._console = console
        self._every = every
        self._delivery: Delivery | None = None
        self._started = self._last = time.monotonic()

    def begin(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._started = self._last = time.monotonic()

    def read(self, rows: int) -> None:
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            self._print(f"{rows:,} rows read, {rate(rows, now - self._started)}{self._left(now)}")

    def phase(self, title: str) -> None:
        self._print(title)

    def _left(self, now: float) -> str:
        """How far, and how long still, where the delivery knows."""
        delivery = self._delivery
        if delivery is None or not delivery.total or not delivery.position():
            return ""
        share = min(delivery.position() / delivery.total, 1.0)
        return f", {share:.0%}, {duration((now - self._started) * (1 - share) / share)} left"

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bar(Progress):
    """A bar with rate and time left, then a spinner for each step of the merge."""

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
        self._delivery: Delivery | None = None
        self._task: bars.TaskID | None = None
        self._started = time.monotonic()

    def __enter__(self: Self) -> Self:
        assert isinstance(self, Bar)  # noqa: S101 - for the type checker
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._end_task()
        self._bars.stop()

    def begin(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._started = time.monotonic()
        self._task = self._bars.add_task("Reading", total=delivery.total, rate="")

    def read(self, rows: int) -> None:
        if self._task is not None and self._delivery is not None:
            self._bars.update(
                self._task,
                completed=self._delivery.position(),
                rate=f"{rows:,} rows, {rate(rows, time.monotonic() - self._started)}",
            )

    def phase(self, title: str) -> None:
        self._end_task()
        self._task = self._bars.add_task(title, total=None, rate="")

    def _end_task(self) -> None:
        if self._task is not None:
            self._bars.update(self._task, total=1, completed=1)


def progress_on(console: Console) -> Progress:
    """A bar where there is a terminal, lines where there is none."""
    return Bar(console) if console.is_terminal else Lines(console)


def rate(rows: int, seconds: float) -> str:
    return f"{rows / max(seconds, 0.001):,.0f} rows/s"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
