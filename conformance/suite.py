"""graphql-core's tests: where they come from, which of them are run, and what is known to be different."""

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".conformance"

MODULES = [
    *(f"execution/test_{name}.py" for name in ("abstract", "directives", "error_propagation", "executor")),
    *(f"execution/test_{name}.py" for name in ("lists", "nonnull", "oneof", "parallel", "resolve", "schema")),
    *(f"execution/test_{name}.py" for name in ("sync", "too_deeply_nested_selections", "union_interface")),
    "execution/test_variables.py",
    "test_star_wars_query.py",
    "type/test_custom_scalars.py",
    "type/test_enum.py",
]

LEFT_OUT = {
    "execution/incremental": "@defer and @stream; plans leave both to stock execution",
    "execution/test_aborted_graphql_execution_error.py": "an exception of graphql-core's own",
    "execution/test_cancellation.py": "abort signals, an option of execute",
    "execution/test_collect_fields.py": "a part of graphql-core, no execution",
    "execution/test_customize.py": "executor classes, an option of execute",
    "execution/test_execution_result.py": "a part of graphql-core, no execution",
    "execution/test_executor_throwing_on_incremental.py": "@defer and @stream",
    "execution/test_hooks.py": "hooks, an option of execute",
    "execution/test_map_async_iterable.py": "a part of graphql-core, no execution",
    "execution/test_middleware.py": "middleware, an option of execute",
    "execution/test_mutations.py": "mutations; only queries have plans",
    "execution/test_subscribe.py": "subscriptions; only queries have plans",
}
"""The modules of tests/execution that say nothing of queries as the server runs them, and why."""

BASIC = "execution/test_executor.py::describe_execute_handles_basic_execution_tasks"
INCREMENTAL = f"{BASIC}::errors_when_using_original_execute_with_schemas_including_experimental"
ABSTRACT = "execution/test_abstract.py::describe_execute_handles_synchronous_execution_of_abstract_types"
UNIONS = "execution/test_union_interface.py::describe_execute_union_and_intersection_types"
NON_NULL = "execution/test_nonnull.py::describe_execute_handles_non_nullable_types"
PARALLEL = "execution/test_parallel.py::describe_parallel_execution"

WITH_INCREMENTAL = (
    "stock execution refuses every operation over a schema that has @defer or @stream; plans do not"
)
AWAITED_TYPES = "is_type_of answers with an awaitable, and plans do not wait for the type of an object"

FAILING = {
    f"{INCREMENTAL}_defer": WITH_INCREMENTAL,
    f"{INCREMENTAL}_stream": WITH_INCREMENTAL,
    f"{PARALLEL}::describe_cancel_on_exception::cancel_selection_sets": (
        "a failed plan does not cancel what it has started, and stock execution starts it once more"
    ),
}
"""The tests that fail, and why."""

WASTED = {
    f"{UNIONS}::gets_execution_info_in_resolver": "resolve_type asks for more of Info than plans have",
    f"{UNIONS}::handles_rejections_from_is_type_of_after_an_is_type_of_returns_true": AWAITED_TYPES,
    f"{ABSTRACT}::is_type_of_used_to_resolve_runtime_type_for_interface[async]": AWAITED_TYPES,
    f"{ABSTRACT}::is_type_of_used_to_resolve_runtime_type_for_union[async]": AWAITED_TYPES,
    f"{PARALLEL}::resolve_is_type_of_in_parallel": AWAITED_TYPES,
}
"""The tests in which a plan fails though stock execution then reports no error, and why."""


class SuiteError(Exception):
    """The tests cannot be run; the message says why."""


def tests() -> Path:
    """The folder of the tests of the locked version of graphql-core, which are fetched if need be."""
    requirement = locked("graphql-core")
    release = requirement.split()[0].partition("==")[2]
    if release != version("graphql-core"):
        raise SuiteError(f"graphql-core {version('graphql-core')} is installed, {release} is locked.")
    folder = FOLDER / f"graphql_core-{release}"
    if not folder.exists():
        fetch(requirement, folder)
    unknown = {path.name for path in (folder / "tests" / "execution").glob("test_*.py")} - {
        Path(module).name for module in (*MODULES, *LEFT_OUT)
    }
    if unknown:
        raise SuiteError(
            f"Run or left out? conformance/suite.py does not say it of {', '.join(sorted(unknown))}."
        )
    return folder / "tests"


def locked(name: str) -> str:
    """The requirement in the lock file, with its hashes."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next(
        number for number, line in enumerate(lines) if number > start and not line.startswith("    --")
    )
    return "\n".join(lines[start:end])


def fetch(requirement: str, folder: Path) -> None:
    """Download the source distribution, held against the locked hashes, and unpack it."""
    FOLDER.mkdir(exist_ok=True)
    wanted = FOLDER / "requirement.txt"
    wanted.write_text(f"{requirement}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    source = ["--no-deps", "--no-binary", "graphql-core", "--require-hashes", "--requirement", str(wanted)]
    if subprocess.run([*pip, *source, "--dest", str(FOLDER)], check=False).returncode:
        raise SuiteError("graphql-core's source distribution could not be fetched (see above).")
    with tarfile.open(FOLDER / f"{folder.name}.tar.gz") as archive:
        archive.extractall(FOLDER, filter="data")
