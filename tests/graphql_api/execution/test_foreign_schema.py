"""The engine runs a Strawberry schema that has nothing to do with books."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Generator, Sequence
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Union

import pytest
import strawberry
from hypothesis import assume, given
from hypothesis import strategies as st
from strawberry.dataloader import DataLoader

from graphql_api.execution.context import ColumnsRead, PlanContext
from graphql_api.execution.cost_directives import Cost, ListSize
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import run_operation
from graphql_api.execution.fields import batch_field
from graphql_api.loaders.dataloader import Loader
from tests.graphql_api.execution.operations import DrawnOperation, draw_operations
from tests.graphql_api.execution.test_differential import (
    assert_equal_to_graphql_core,
    fuzzing,
    is_valid,
    pytestmark,
    unlimited_time_slice,
)

__all__ = ["pytestmark", "unlimited_time_slice"]

DEPARTURES = {1: [("Oslo", 12), ("Bergen", 8)], 2: [("Kiel", 20)], 3: []}


class HarbourContext(PlanContext):
    """Two dataloaders of one request: one for batch fields, one of Strawberry's for ordinary resolvers."""

    def __init__(self, previous: "HarbourContext | None" = None, *, by_level: bool = False) -> None:
        self.batches: list[str] = previous.batches if previous else []
        previous_loader = previous.berth_by_id if previous else None
        self.berth_by_id = Loader(self.read_berths, by_level=by_level, previous=previous_loader)
        self.departures_by_ship_id: DataLoader[int, Any] = DataLoader(self.read_departures)

    def for_plan(self, columns_read: ColumnsRead) -> "HarbourContext":
        assert columns_read == frozenset()
        context = HarbourContext(by_level=True)
        context.batches = self.batches
        return context

    def for_fallback(self) -> "HarbourContext":
        return HarbourContext(previous=self)

    async def close(self) -> None:
        self.batches.append("closed")

    async def read_berths(self, ids: list[int]) -> list[Any]:
        self.batches.append(f"berths {ids}")
        await asyncio.sleep(0)
        return [LookupError("berth 4 is closed") if id_ == 4 else Berth(number=id_) for id_ in ids]

    async def read_departures(self, ids: list[int]) -> list[Any]:
        self.batches.append(f"departures {ids}")
        await asyncio.sleep(0)
        return [
            [Departure(port=port, hours=hours) for port, hours in DEPARTURES[id_]]
            if id_ in DEPARTURES
            else KeyError(f"no ship {id_}")
            for id_ in ids
        ]


@strawberry.type
class Berth:
    number: int


@strawberry.type
class Departure:
    port: str
    hours: int

    @strawberry.field
    async def knots(self, miles: Decimal = Decimal(300)) -> Decimal:
        await asyncio.sleep(0)
        return miles / self.hours if self.port != "Kiel" else self.hours  # type: ignore[return-value]


@strawberry.enum
class Fuel(Enum):
    SAIL = "sail"
    STEAM = "steam"


@strawberry.input
class Search:
    name: str | None = None
    fuels: list[Fuel] = strawberry.field(default_factory=lambda: list(Fuel))


def load_berths(ships: Sequence["Ship"], context: HarbourContext) -> Awaitable[list[Berth | None]]:
    return context.berth_by_id.load_all([ship.berth_id for ship in ships])


async def count_crews(ships: Sequence["Ship"], context: HarbourContext, officers: bool = True) -> list[int]:
    await asyncio.sleep(0)
    return [ship.ship_id * 10 + officers for ship in ships]


@strawberry.interface
class Vessel:
    name: str

    @strawberry.field
    def length(self, feet: bool = False) -> float:
        return len(self.name) * (3.28 if feet else 1.0)


@strawberry.type
class Ship(Vessel):
    ship_id: int
    fuel: Fuel
    berth_id: strawberry.Private[int | None]
    departures_loader: strawberry.Private[DataLoader[int, Any]]
    berth: Berth | None = batch_field(load_berths, "Where it lies.")
    crew: int = batch_field(count_crews, "How many sail it.", Cost(weight="2"))

    @strawberry.field
    async def departures(self) -> list[Departure] | None:
        return await self.departures_loader.load(self.ship_id)

    @strawberry.field
    def owner(self) -> str:
        if self.fuel is Fuel.STEAM:
            raise PermissionError(f"the owner of {self.name} is secret")
        return f"{self.name} & Sons"

    @strawberry.field
    def described(self, info: strawberry.Info[HarbourContext, None]) -> str:
        return f"{info.field_name} {self.name}"


@strawberry.type
class Raft(Vessel):
    logs: int
    towed_by: "Ship | None" = None


Sighting = Annotated[Union[Ship, Raft, Departure], strawberry.union("Sighting")]  # noqa: UP007


def find_ships(
    root: Sequence[None], context: HarbourContext, search: Search | None = None
) -> list[list[Ship]]:
    found = [
        Ship(
            name=name,
            ship_id=number,
            fuel=Fuel.SAIL if number % 2 else Fuel.STEAM,
            berth_id=number if number != 3 else None,
            departures_loader=context.departures_by_ship_id,
        )
        for number, name in enumerate(("Anna", "Berta", "Carla", "Dora"), 1)
    ]
    search = search or Search()
    return [[ship for ship in found if search.name in (None, ship.name) and ship.fuel in search.fuels]]


def find_vessels(root: Sequence[None], context: HarbourContext) -> list[list[Vessel]]:
    [ships] = find_ships(root, context)
    return [[*ships[:2], Raft(name="Kon-Tiki", logs=9), Raft(name="Towed", logs=3, towed_by=ships[0])]]


def find_sightings(root: Sequence[None], context: HarbourContext, odd: bool = False) -> list[list[Any]]:
    [vessels] = find_vessels(root, context)
    return [[*vessels, Departure(port="Oslo", hours=12), *(["a whale"] if odd else [])]]


@strawberry.type
class Query:
    ships: list[Ship] = batch_field(find_ships, "All ships.", ListSize(assumed_size=4))
    vessels: list[Vessel] = batch_field(find_vessels, "Ships and rafts.")
    sightings: list[Sighting | None] = batch_field(find_sightings, "What was seen.")

    @strawberry.field
    def tide(self, hour: int) -> float | None:
        return 10 / hour

    @strawberry.field
    async def harbour_master(self) -> str | None:
        await asyncio.sleep(0)
        return None


harbour = strawberry.Schema(Query, types=[Ship, Raft])

VALUES = {
    "Int": st.integers(-1, 3),
    "String": st.sampled_from(["Anna", "Dora", "nobody"]),
    "Boolean": st.booleans(),
    "Decimal": st.sampled_from(["1", "300", "0.5"]),
}


@pytest.mark.parametrize(
    ("text", "batches"),
    [
        (
            "{ harbourMaster tide(hour: 4) ships { name length fuel crew(officers: false) } }",
            [],
        ),
        (
            '{ ships(search: {fuels: [SAIL]}) { berth { number } departures { port hours } } vessels { name } }',
            ["berths [1]", "departures [1, 3]"],
        ),
        (
            "{ vessels { __typename name length(feet: true) ... on Ship { crew } ... on Raft { logs "
            "towedBy { berth { number } departures { port knots(miles: 240) } } } } }",
            ["berths [1]", "departures [1]"],
        ),
        (
            "{ sightings { ... on Ship { berth { number } } ... on Raft { towedBy { name } } "
            "... on Departure { port } } }",
            ["berths [1, 2]"],
        ),
    ],
)  # fmt: skip
async def test_a_plan_runs_operations_and_reads_each_relation_once(text: str, batches: list[str]) -> None:
    context = HarbourContext()

    await run_operation(DocumentCache(harbour).get(text, None).prepare(None), context)
    outcome = await assert_equal_to_graphql_core(harbour, DrawnOperation(text, {}), HarbourContext)

    assert outcome.fallback_reason is None
    assert outcome.result.errors is None
    assert sorted(context.batches) == sorted([*batches, "closed"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ ships { owner } }", "the plan failed"),
        ("{ ships { berth { number } } }", "the plan failed"),
        ("{ ships { departures { port knots } } }", "the plan failed"),
        ("{ tide(hour: 0) }", "the plan failed"),
        ("{ sightings(odd: true) { __typename } }", "the plan failed"),
        ("{ ships { described } }", "Ship.described takes Info"),
        ("{ __schema { queryType { name } } }", "introspection"),
    ],
)
async def test_graphql_core_runs_what_a_plan_cannot(text: str, reason: str) -> None:
    outcome = await assert_equal_to_graphql_core(harbour, DrawnOperation(text, {}), HarbourContext)

    assert outcome.fallback_reason == reason


async def test_what_a_failed_plan_has_read_is_not_read_again() -> None:
    context = HarbourContext()
    text = "{ ships { berth { number } } }"

    outcome = await run_operation(DocumentCache(harbour).get(text, None).prepare(None), context)

    assert [(error.message, error.path) for error in outcome.result.errors or ()] == [
        ("berth 4 is closed", ["ships", 3, "berth"])
    ]
    assert context.batches == ["berths [1, 2, 4]", "closed", "berths [4]"]


@fuzzing
@given(drawn=draw_operations(harbour._schema, VALUES, depth=4, rare=["described", "owner"]))
async def test_drawn_operations_have_the_result_of_graphql_core(drawn: DrawnOperation) -> None:
    assume(is_valid(harbour, drawn))

    await assert_equal_to_graphql_core(harbour, drawn, HarbourContext, racing=True)


def test_costs_are_those_that_the_schema_declares() -> None:
    operation = DocumentCache(harbour).get("{ ships { crew berth { number } } }", None).prepare(None)

    assert operation.row_cost == 4 * (1 + 2 + 1)


@pytest.fixture
def documented(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[ModuleType]:
    """The example of docs/engine.md as a module."""
    page = Path(pytestconfig.rootpath, "docs/engine.md").read_text()
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "documented_engine.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("documented_engine")
    del sys.modules["documented_engine"]


async def test_the_example_of_the_documentation_runs(documented: ModuleType) -> None:
    outcome = await documented.run("{ ships { name portName } }")

    assert outcome.fallback_reason is None
    assert outcome.result.data == {
        "ships": [{"name": "Aurora", "portName": "Rotterdam"}, {"name": "Borealis", "portName": None}]
    }
