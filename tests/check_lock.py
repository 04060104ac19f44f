"""Check that the lock files match pyproject.toml. `--write` resolves the newest versions and writes them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = {
    "requirements.lock": ("pyproject.toml", "--group", "build"),
    "tests/requirements.lock": ("pyproject.toml", "--group", "dev", "--constraints", "requirements.lock"),
    "tests/clients/requirements.lock": ("tests/clients/requirements.in",),
}


def resolve_lock(lock: str, *options: str) -> str:
    """Resolve a lock file and return its text. The pinned versions are kept unless the options have `--upgrade`."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", *LOCKS[lock]),
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
    for lock in LOCKS:
        before = (ROOT / lock).read_text(encoding="utf-8")
        resolve_lock(lock, *(["--upgrade"] if "--write" in sys.argv else []))
        if (ROOT / lock).read_text(encoding="utf-8") != before and "--write" not in sys.argv:
            (ROOT / lock).write_text(before, encoding="utf-8")
            stale.append(lock)
    if stale:
        print(f"Out of date: {', '.join(stale)}. Run `make lock`.")  # noqa: T201
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
