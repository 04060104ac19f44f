"""Run graphql-core's own tests of queries by plans and say how each was answered: `python -m conformance`.

The tests run three times: by stock execution, which must pass them all and shows which fields answer with
something to await; by plans that call resolvers for one object at a time; and by plans that call them for
a whole level. Exits 1 if anything is different that conformance/suite.py does not explain.
"""

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.plans import EACH, FOR_NOTHING, LEVEL
from conformance.stand_ins import STOCK
from conformance.suite import FAILING, FOLDER, LEFT_OUT, MODULES, ROOT, WASTED, SuiteError, tests

TITLES = {
    EACH: "Resolvers called for one object at a time",
    LEVEL: "Resolvers called for a whole level",
}
KINDS = ("plan", "partly", "fallback", "stock", "none", "failed", "skipped")
LEGEND = """\
plan      every operation of the test is answered by its plan, as the test asserts
partly    some by their plans, some by stock execution
fallback  by stock execution, which the plan or its compiler left it to
stock     by stock execution from the start: the server refuses the document, or has no such option
none      no operation is run"""

Tests = Mapping[str, Mapping[str, Any]]


def main() -> int:
    try:
        folder = tests()
        by_stock = run(folder, STOCK)
        answered = {way: run(folder, way) for way in TITLES}
    except SuiteError as error:
        raise SystemExit(str(error)) from None
    for way, title in TITLES.items():
        show(title, answered[way])
    show_left_out()
    return judged(by_stock, answered)


def run(folder: Path, way: str) -> Tests:
    """Run the tests in a process of their own; how each went, by its name."""
    learned, record = record_of(STOCK), record_of(way)
    record.unlink(missing_ok=True)
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "conformance/pytest.ini", "--rootdir", str(folder)),
            *("--confcutdir", str(folder), "--way", way, "--record", str(record)),
            *([] if way == STOCK else ["--learned", str(learned)]),
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


def record_of(way: str) -> Path:
    return FOLDER / f"{way}.json"


def kind(test: Mapping[str, Any]) -> str:
    """How a test went, one of KINDS."""
    if test["outcome"] != "passed":
        return test["outcome"]
    ways = {entry["how"] for entry in test["entries"]}
    if "plan" in ways:
        return "plan" if ways == {"plan"} else "partly"
    return "fallback" if "fallback" in ways else "stock" if ways else "none"


# What is shown


def show(title: str, answered: Tests) -> None:
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    operations: Counter[tuple[str, str]] = Counter()
    for name, test in answered.items():
        modules[name.partition("::")[0]][kind(test)] += 1
        operations.update((entry["how"], entry["reason"] or "") for entry in test["entries"])
    print(f"\n{title}\n\n{'tests':48}{'all':>7}" + "".join(f"{each:>9}" for each in KINDS))
    for module, counts in [*modules.items(), ("all", sum(modules.values(), Counter[str]()))]:
        numbers = "".join(f"{counts[each] or '':>9}" for each in KINDS)
        print(f"{module:48}{counts.total():>7}{numbers}")
    print(f"\n{LEGEND}\n\nOperations")
    for (how, reason), count in sorted(operations.items(), key=lambda each: (each[0][0] != "plan", -each[1])):
        print(f"{count:7}  {how:10}{reason}")


def show_left_out() -> None:
    print("\nLeft out")
    for module, why in LEFT_OUT.items():
        print(f"  {module:54}{why}")


def judged(by_stock: Tests, answered: Mapping[str, Tests]) -> int:
    """Say what is different, and whether all of it is explained: the exit status."""
    failing = {name for way in answered.values() for name, test in way.items() if test["outcome"] == "failed"}
    wasted = {
        name
        for way in answered.values()
        for name, test in way.items()
        if any(entry["reason"] == FOR_NOTHING for entry in test["entries"])
    }
    explain("Failing", failing, FAILING)
    explain("Plans that fail though the answer has no errors", wasted, WASTED)
    wrong = [
        *(
            f"Fails by stock execution: {name}"
            for name, test in by_stock.items()
            if test["outcome"] == "failed"
        ),
        *(f"Fails, and is not explained: {name}" for name in sorted(failing - FAILING.keys())),
        *(f"Its plan fails for nothing, not explained: {name}" for name in sorted(wasted - WASTED.keys())),
        *(
            f"No test was answered by a plan: {way}"
            for way, each in answered.items()
            if not any(kind(test) == "plan" for test in each.values())
        ),
    ]
    for way in answered.values():
        for name in sorted(failing - FAILING.keys()):
            print(f"\n{name}\n{way[name]['failure']}")
    print("\n" + ("\n".join(wrong) or "Everything that is different is explained."))
    return bool(wrong)


def explain(title: str, found: set[str], known: Mapping[str, str]) -> None:
    print(f"\n{title}")
    for name, why in known.items():
        print(
            f"  {name}\n      {why if name in found else 'no longer: strike it out in conformance/suite.py'}"
        )


if __name__ == "__main__":
    sys.exit(main())
