"""The phases of an import, with their durations."""

import time

from db.importing.progress import ImportProgress


class PhaseTimer:
    """Measure the seconds of each phase, and report each phase to the progress display."""

    def __init__(self, progress: ImportProgress) -> None:
        self.progress = progress
        self.started = self._phase_started = time.monotonic()
        self._phase = "Reading"
        self.phases: list[tuple[str, float]] = []

    def start_phase(self, title: str) -> None:
        self.stop()
        self._phase = title
        self.progress.start_phase(title)

    def stop(self) -> None:
        now = time.monotonic()
        self.phases.append((self._phase, now - self._phase_started))
        self._phase_started = now

    @property
    def seconds(self) -> float:
        """The seconds since the timer was made."""
        return time.monotonic() - self.started
