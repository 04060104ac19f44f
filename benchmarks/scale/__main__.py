"""Run all benchmarks beyond one machine, one after the other: `python -m benchmarks.scale [--only NAME]`.

Each is a module of its own, with options of its own, and leaves nothing running.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

NAMES = ("replicas", "failover", "pooler", "processes", "growth")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description="Run the benchmarks beyond one machine."
    )
    parser.add_argument("--only", choices=NAMES, nargs="+", default=NAMES, help="run these alone")
    names: Sequence[str] = parser.parse_args().only
    if failed := run_modules([f"benchmarks.scale.{name}" for name in names]):
        raise SystemExit(f"failed: {', '.join(failed)}; see above.")


def run_modules(modules: Sequence[str]) -> list[str]:
    """Run modules in processes of their own, each to its end. Return the modules that failed."""
    failed: list[str] = []
    for module in modules:
        print(f"== {module}", flush=True)
        try:
            if subprocess.run([sys.executable, "-m", module], check=False).returncode:
                failed.append(module)
        except KeyboardInterrupt:
            raise SystemExit(f"interrupted in {module}") from None
    return failed


if __name__ == "__main__":
    main()
