"""The garbage of a module of execution tests is collected before the next module runs."""

import gc
import warnings
from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True, scope="module")
def collect_dropped_coroutines() -> Generator[None]:
    """Collect the coroutines that graphql-core drops when a sibling of their field fails.

    Python warns of each when it is collected, and a warning fails the test that runs then.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()
