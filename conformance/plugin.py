"""The plugin of pytest that runs graphql-core's tests with stand-ins, and writes down how each went."""

import json
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from conformance.plans import EACH, LEVEL
from conformance.stand_ins import STOCK, StandIns


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--way", choices=[STOCK, EACH, LEVEL], default=EACH, help="how operations are answered")
    group.addoption("--record", type=Path, help="where to write how each test went")
    group.addoption("--learned", type=Path, help="the record of a run by stock execution")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Conformance(config), "conformance")


class Conformance:
    """One run of the tests."""

    def __init__(self, config: pytest.Config) -> None:
        self.stand_ins = StandIns(str(config.getoption("--way")))
        self.record: Path | None = config.getoption("--record")
        learned: Path | None = config.getoption("--learned")
        self.learned: dict[str, Any] = json.loads(learned.read_text()) if learned else {}
        self.tests: dict[str, Any] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A describe block is a module to pytest too: the file is the outermost.
        for file in {
            next(each for each in item.listchain() if isinstance(each, pytest.Module)) for item in items
        }:
            self.stand_ins.stand_in(file.obj)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        entries = self.learned.get(item.nodeid, {}).get("entries", [])
        self.stand_ins.begin([entry["waiting"] for entry in entries])
        self.tests[item.nodeid] = {"outcome": "passed", "failure": ""}
        answered = yield
        self.tests[item.nodeid]["entries"] = [asdict(entry) for entry in self.stand_ins.entries]
        return answered

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome != "passed":
            self.tests[report.nodeid] |= {"outcome": report.outcome, "failure": report.longreprtext}

    def pytest_sessionfinish(self) -> None:
        if self.record:
            self.record.write_text(json.dumps(self.tests, indent=1))
