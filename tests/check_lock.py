"""Whether the lock files are what pyproject.toml resolves to; `--write` resolves the newest versions anew."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = {"requirements.lock": "build", "tests/requirements.lock": "dev"}


def compiled(lock: str, group: str, *options: str) -> str:
    """What a lock file should hold, keeping the versions it pins unless `--upgrade` is among the options."""
    limits = [] if lock == "requirements.lock" else ["--constraints", "requirements.lock"]
    return subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--group", group, *limits),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-emit-index-url", "--no-header", "--quiet", "--output-file", lock, *options),
        ],
        cwd=ROOT,
        env={**os.environ, "UV_NO_CONFIG": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def main() -> int:
    stale: list[str] = []
    for lock, group in LOCKS.items():
        before = (ROOT / lock).read_text(encoding="utf-8")
        compiled(lock, group, *(["--upgrade"] if "--write" in sys.argv else []))
        if (ROOT / lock).read_text(encoding="utf-8") != before and "--write" not in sys.argv:
            (ROOT / lock).write_text(before, encoding="utf-8")
            stale.append(lock)
    if stale:
        print(f"Out of date: {', '.join(stale)}. Run `make lock`.")  # noqa: T201
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
