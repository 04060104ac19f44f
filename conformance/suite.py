"""graphql-core's tests: their source, the modules that run, and the known differences."""

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK_FOLDER = ROOT / ".conformance"

MODULES = [
    *(f"execution/test_{name}.py" for name in ("abstract", "directives", "error_propagation", "executor")),
    *(f"execution/test_{name}.py" for name in ("lists", "nonnull", "oneof", "parallel", "resolve", "schema")),
    *(f"execution/test_{name}.py" for name in ("sync", "too_deeply_nested_selections", "union_interface")),
    "execution/test_variables.py",
    "test_star_wars_query.py",
    "type/test_custom_scalars.py",
    "type/test_enum.py",
]

EXCLUDED_MODULES = {
    "execution/incremental": "@defer and @stream; plans leave both to graphql-core",
    "execution/test_aborted_graphql_execution_error.py": "an exception class of graphql-core",
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
"""The modules of tests/execution that do not test queries as the server runs them, and the reason."""

BASIC = "execution/test_executor.py::describe_execute_handles_basic_execution_tasks"
INCREMENTAL = f"{BASIC}::errors_when_using_original_execute_with_schemas_including_experimental"
ABSTRACT = "execution/test_abstract.py::describe_execute_handles_synchronous_execution_of_abstract_types"
UNIONS = "execution/test_union_interface.py::describe_execute_union_and_intersection_types"
NON_NULL = "execution/test_nonnull.py::describe_execute_handles_non_nullable_types"
PARALLEL = "execution/test_parallel.py::describe_parallel_execution"

_INCREMENTAL_REASON = (
    "graphql-core rejects every operation over a schema that has @defer or @stream; plans do not"
)
_AWAITABLE_TYPE_REASON = "is_type_of returns an awaitable, and plans do not await the type of an object"

KNOWN_FAILURES = {
    f"{INCREMENTAL}_defer": _INCREMENTAL_REASON,
    f"{INCREMENTAL}_stream": _INCREMENTAL_REASON,
    f"{PARALLEL}::describe_cancel_on_exception::cancel_selection_sets": (
        "a failed plan does not cancel the tasks that it has started, and graphql-core starts them again"
    ),
}
"""The tests that are known to fail, and the reason."""

KNOWN_NEEDLESS_FAILURES = {
    f"{UNIONS}::gets_execution_info_in_resolver": "resolve_type reads attributes of Info that plans lack",
    f"{UNIONS}::handles_rejections_from_is_type_of_after_an_is_type_of_returns_true": _AWAITABLE_TYPE_REASON,
    f"{ABSTRACT}::is_type_of_used_to_resolve_runtime_type_for_interface[async]": _AWAITABLE_TYPE_REASON,
    f"{ABSTRACT}::is_type_of_used_to_resolve_runtime_type_for_union[async]": _AWAITABLE_TYPE_REASON,
    f"{PARALLEL}::resolve_is_type_of_in_parallel": _AWAITABLE_TYPE_REASON,
}
"""The tests in which a plan fails although graphql-core reports no error, and the reason."""


class SuiteError(Exception):
    """The tests cannot be run; the message has the reason."""


def ensure_tests() -> Path:
    """Return the folder of the tests of the locked version of graphql-core. Download them if necessary."""
    requirement = _locked_requirement("graphql-core")
    release = requirement.split()[0].partition("==")[2]
    if release != version("graphql-core"):
        raise SuiteError(
            f"graphql-core {version('graphql-core')} is installed, but {release} is locked:"
            " install requirements.lock."
        )
    folder = WORK_FOLDER / f"graphql_core-{release}"
    if not folder.exists():
        _download(requirement, folder)
    unknown = {path.name for path in (folder / "tests" / "execution").glob("test_*.py")} - {
        Path(module).name for module in (*MODULES, *EXCLUDED_MODULES)
    }
    if unknown:
        raise SuiteError(
            f"New test modules {', '.join(sorted(unknown))}: add them to MODULES or EXCLUDED_MODULES"
            " in conformance/suite.py."
        )
    return folder / "tests"


def _locked_requirement(name: str) -> str:
    """Return a package's requirement in the lock file, with its hashes."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = next(
        number for number, line in enumerate(lines) if number > start and not line.startswith("    --")
    )
    return "\n".join(lines[start:end])


def _download(requirement: str, folder: Path) -> None:
    """Download the source distribution, verify its locked hashes, and unpack it."""
    WORK_FOLDER.mkdir(exist_ok=True)
    requirement_file = WORK_FOLDER / "requirement.txt"
    requirement_file.write_text(f"{requirement}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    source = [
        "--no-deps",
        "--no-binary",
        "graphql-core",
        "--require-hashes",
        "--requirement",
        str(requirement_file),
    ]
    if subprocess.run([*pip, *source, "--dest", str(WORK_FOLDER)], check=False).returncode:
        raise SuiteError("Downloading graphql-core's source distribution failed; see pip's error above.")
    with tarfile.open(WORK_FOLDER / f"{folder.name}.tar.gz") as archive:
        archive.extractall(WORK_FOLDER, filter="data")
