"""The terminal that the server was started from."""

import os


class Terminal:
    """Tells a terminal that was closed from a SIGHUP that asks for new workers: the former sends it too."""

    def __init__(self) -> None:
        self._existed = _has_terminal()

    @property
    def is_closed(self) -> bool:
        return self._existed and not _has_terminal()


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal that is open."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
