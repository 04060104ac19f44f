"""The pytest plugin that runs graphql-core's tests with stand-ins and records the outcome of each test."""

import json
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance.plans import BATCHED, PER_OBJECT
from conformance.stand_ins import GRAPHQL_CORE, StandIns


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--mode",
        choices=[GRAPHQL_CORE, PER_OBJECT, BATCHED],
        default=PER_OBJECT,
        help="how operations are executed",
    )
    group.addoption("--record", type=Path, help="file to write the records to")
    group.addoption("--graphql-core-record", type=Path, help="the records of a run on graphql-core")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ConformancePlugin(config), "conformance")


class ConformancePlugin:
    """One run of the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.stand_ins = StandIns(str(config.getoption("--mode")))
        self.record_file: Path | None = config.getoption("--record")
        graphql_core_record: Path | None = config.getoption("--graphql-core-record")
        self.graphql_core_records: dict[str, Any] = (
            json.loads(graphql_core_record.read_text()) if graphql_core_record else {}
        )
        self.tests: dict[str, Any] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # pytest treats a describe block as a module too; the outermost module is the file.
        for file in {
            next(each for each in item.listchain() if isinstance(each, pytest.Module)) for item in items
        }:
            self.stand_ins.install(file.obj)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        entries = self.graphql_core_records.get(item.nodeid, {}).get("entries", [])
        self.stand_ins.begin_test([entry["awaited_fields"] for entry in entries])
        self.tests[item.nodeid] = {"outcome": "passed", "failure": ""}
        result = yield
        self.tests[item.nodeid]["entries"] = [asdict(entry) for entry in self.stand_ins.entries]
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.tests[report.nodeid] |= {"outcome": report.outcome, "failure": report.longreprtext}

    def pytest_sessionfinish(self) -> None:
        if self.record_file:
            self.record_file.write_text(json.dumps(self.tests, indent=1))
