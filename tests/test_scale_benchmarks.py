"""The arithmetic of the benchmarks beyond one machine, and their order."""

from pathlib import Path

import pytest

from benchmarks.scale.__main__ import run_modules
from benchmarks.scale.catalog_size import Tree
from benchmarks.scale.queueing import Demand, forecast, waiting_probability
from benchmarks.scale.replay import ReplayWatch, Sample, measure_max_lag
from db import embedded


@pytest.mark.parametrize(
    ("servers", "offered", "probability"), [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (2, 1.4, 98 / 170)]
)
def test_erlangs_formula(servers: int, offered: float, probability: float) -> None:
    assert waiting_probability(servers, offered) == pytest.approx(probability)


def test_a_forecast_divides_the_cores_in_proportion_to_the_demand() -> None:
    machine = forecast(Demand(server=1.0, postgres=1.0), cores=4)

    assert (machine.processes, machine.postgres_cores) == (2, 2)
    assert machine.per_second == pytest.approx(1_400)
    assert machine.mean == pytest.approx(1 / 0.3 + 1 + 98 / 170 / 0.6)


def test_each_station_of_a_forecast_has_a_core() -> None:
    machine = forecast(Demand(server=1.0, postgres=0.001), cores=2)

    assert (machine.processes, machine.postgres_cores) == (1, 1)
    assert machine.per_second == pytest.approx(700)


def test_the_lag_is_the_age_of_the_oldest_bytes_that_are_not_replayed() -> None:
    samples = [
        Sample(at=0.0, inserted=100, replayed=100),
        Sample(at=1.0, inserted=300, replayed=100),
        Sample(at=2.0, inserted=500, replayed=200),
        Sample(at=3.0, inserted=500, replayed=300),
        Sample(at=4.0, inserted=500, replayed=500),
    ]

    assert measure_max_lag(samples) == 1.0


def test_a_standby_that_never_falls_behind_has_no_lag() -> None:
    assert measure_max_lag([Sample(at=0.0, inserted=100, replayed=100)]) == 0.0


def test_a_standby_that_does_not_catch_up_is_an_error() -> None:
    server = embedded.Server(Path("data"), Path("socket"), 18, "postgresql:///")
    samples = [Sample(at=0.0, inserted=100, replayed=100), Sample(at=1.0, inserted=1_300, replayed=100)]

    with pytest.raises(TimeoutError, match=r"The standby is 1,200 bytes behind after 1,800 s: take fewer"):
        ReplayWatch(server, server, samples).measure()


@pytest.mark.parametrize(
    ("tree", "factor", "levels"),
    [
        (Tree(levels=3, inner_pages=51, leaf_pages=10_000), 1, 3),
        (Tree(levels=3, inner_pages=51, leaf_pages=10_000), 50, 4),
        (Tree(levels=2, inner_pages=1, leaf_pages=40), 50, 3),
        (Tree(levels=1, inner_pages=0, leaf_pages=0), 50, 1),
    ],
)
def test_the_levels_of_a_larger_tree(tree: Tree, factor: float, levels: int) -> None:
    assert tree.forecast_levels(factor) == levels


def test_a_failed_benchmark_does_not_keep_the_others_from_running(capfd: pytest.CaptureFixture[str]) -> None:
    failed = run_modules(["benchmarks.scale.absent", "__hello__"])

    assert failed == ["benchmarks.scale.absent"]
    assert "Hello world!" in capfd.readouterr().out
