"""Run graphql-core's own query tests through plans, and report what executed each: `python -m conformance`.

The tests run three times:

- by graphql-core, which must pass them all and records which fields return awaitables
- by plans that call resolvers for one object at a time
- by plans that call resolvers for a whole level

Exit with 1 if there is a difference that conformance/suite.py does not explain.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.plans import BATCHED, NEEDLESS_FAILURE, PER_OBJECT
from conformance.stand_ins import GRAPHQL_CORE
from conformance.suite import (
    EXCLUDED_MODULES,
    KNOWN_FAILURES,
    KNOWN_NEEDLESS_FAILURES,
    MODULES,
    ROOT,
    WORK_FOLDER,
    SuiteError,
    ensure_tests,
)

MODE_TITLES = {
    PER_OBJECT: "Resolvers called for one object at a time",
    BATCHED: "Resolvers called for a whole level",
}
STATUSES = ("plan", "partly", "fallback", "core", "none", "failed", "skipped")
LEGEND = """\
plan      plans execute all operations of the test, with the results that the test asserts
partly    plans execute some operations, graphql-core the others
fallback  graphql-core executes them: the plan failed, or the operation cannot be compiled
core      graphql-core executes them: the server rejects the document or does not have the option
none      the test executes no operation"""

RecordsByTest = Mapping[str, Mapping[str, Any]]


def main() -> int:
    try:
        folder = ensure_tests()
        by_graphql_core = run_tests(folder, GRAPHQL_CORE)
        by_mode = {mode: run_tests(folder, mode) for mode in MODE_TITLES}
    except SuiteError as error:
        raise SystemExit(str(error)) from None
    for mode, title in MODE_TITLES.items():
        print_table(title, by_mode[mode])
    print_excluded()
    return report_differences(by_graphql_core, by_mode)


def run_tests(folder: Path, mode: str) -> RecordsByTest:
    """Run the tests in a subprocess, and return the record of each test by its name."""
    graphql_core_record, record = record_path(GRAPHQL_CORE), record_path(mode)
    record.unlink(missing_ok=True)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "conformance/pytest.ini", "--rootdir", str(folder)),
            *("--confcutdir", str(folder), "--mode", mode, "--record", str(record)),
            *([] if mode == GRAPHQL_CORE else ["--graphql-core-record", str(graphql_core_record)]),
            *(str(folder / module) for module in MODULES),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if not record.exists() or process.returncode > 1:
        raise SuiteError(process.stdout + process.stderr)
    return json.loads(record.read_text(encoding="utf-8"))


def record_path(mode: str) -> Path:
    return WORK_FOLDER / f"{mode}.json"


def status_of(test: Mapping[str, Any]) -> str:
    """Return the status of a test, one of STATUSES."""
    if test["outcome"] != "passed":
        return test["outcome"]
    executors = {entry["executed_by"] for entry in test["entries"]}
    if "plan" in executors:
        return "plan" if executors == {"plan"} else "partly"
    return "fallback" if "fallback" in executors else "core" if executors else "none"


# Output
def print_table(title: str, records: RecordsByTest) -> None:
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    operations: Counter[tuple[str, str]] = Counter()
    for name, test in records.items():
        modules[name.partition("::")[0]][status_of(test)] += 1
        operations.update((entry["executed_by"], entry["reason"] or "") for entry in test["entries"])
    print(f"\n{title}\n\n{'tests':48}{'all':>7}" + "".join(f"{each:>9}" for each in STATUSES))
    for module, counts in [*modules.items(), ("all", sum(modules.values(), Counter[str]()))]:
        numbers = "".join(f"{counts[each] or '':>9}" for each in STATUSES)
        print(f"{module:48}{counts.total():>7}{numbers}")
    print(f"\n{LEGEND}\n\nOperations")
    for (executor, reason), count in sorted(
        operations.items(), key=lambda item: (item[0][0] != "plan", -item[1])
    ):
        print(f"{count:7}  {executor:14}{reason}")


def print_excluded() -> None:
    print("\nExcluded")
    for module, reason in EXCLUDED_MODULES.items():
        print(f"  {module:54}{reason}")


def report_differences(by_graphql_core: RecordsByTest, by_mode: Mapping[str, RecordsByTest]) -> int:
    """Print the differences, and return the exit status: 1 if one of them is not explained."""
    failing = {
        name for records in by_mode.values() for name, test in records.items() if test["outcome"] == "failed"
    }
    needless = {
        name
        for records in by_mode.values()
        for name, test in records.items()
        if any(entry["reason"] == NEEDLESS_FAILURE for entry in test["entries"])
    }
    print_explanations("Failing", failing, KNOWN_FAILURES)
    print_explanations("Plans that fail although the result has no errors", needless, KNOWN_NEEDLESS_FAILURES)
    problems = [
        *(
            f"Fails on graphql-core: {name}"
            for name, test in by_graphql_core.items()
            if test["outcome"] == "failed"
        ),
        *(f"Fails without explanation: {name}" for name in sorted(failing - KNOWN_FAILURES.keys())),
        *(
            f"Plan fails without an error or explanation: {name}"
            for name in sorted(needless - KNOWN_NEEDLESS_FAILURES.keys())
        ),
        *(
            f"No test was executed by a plan: {mode}"
            for mode, records in by_mode.items()
            if not any(status_of(test) == "plan" for test in records.values())
        ),
    ]
    for records in by_mode.values():
        for name in sorted(failing - KNOWN_FAILURES.keys()):
            print(f"\n{name}\n{records[name]['failure']}")
    print("\n" + ("\n".join(problems) or "All differences are explained."))
    return bool(problems)


def print_explanations(title: str, occurred: set[str], explanations: Mapping[str, str]) -> None:
    print(f"\n{title}")
    for name, reason in explanations.items():
        print(f"  {name}\n      {reason if name in occurred else 'passes now: delete this entry'}")


if __name__ == "__main__":
    sys.exit(main())
