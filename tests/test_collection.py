"""The suite has the same tests whenever it is collected: the processes of pytest-xdist must agree on them."""

import subprocess
import sys

import pytest

COLLECT_A_DAY_LATER = """
import sys, time
import pytest
now = time.time
time.time = lambda: now() + 86_400
sys.exit(pytest.main(["--collect-only", "-q", "-n", "0", "-m", "", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_the_names_of_tests_do_not_depend_on_the_time(request: pytest.FixtureRequest) -> None:
    later = subprocess.run(
        [sys.executable, "-c", COLLECT_A_DAY_LATER, *request.config.args],
        capture_output=True,
        text=True,
        check=True,
        cwd=request.config.rootpath,
    )

    assert {item.nodeid for item in request.session.items} - set(later.stdout.splitlines()) == set()
