"""Steps: one write of a mutation, with its faults and its entry in the audit trail."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from db.connections.write_session import WriteSession
from db.writes.audit import add_audit_entry
from db.writes.constraint_faults import fault_of_violation
from db.writes.faults import Fault, FaultPath, WriteRejectedError


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step wrote: the value of its write, or the faults for which nothing was written.

    `current_id` is the item that has another version than expected.
    """

    value: Any = None
    faults: Sequence[Fault] = ()
    current_id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A write of a client. `items(value)` names what it wrote, if anything; `path` leads to its input."""

    client: str
    mutation: str
    write: Callable[[WriteSession], Awaitable[Any]]
    items: Callable[[Any], Sequence[str]]
    path: FaultPath = ("input",)


async def run_step(session: WriteSession, step: Step) -> StepResult:
    """Run a step. If it is rejected, nothing of it is written, and the transaction goes on."""
    await session.start_step()
    try:
        value = await step.write(session)
        if items := step.items(value):
            await add_audit_entry(session, step.client, step.mutation, items)
    except WriteRejectedError as error:
        await session.undo_step()
        return StepResult(faults=error.faults, current_id=error.current_id)
    except asyncpg.IntegrityConstraintViolationError as error:
        await session.undo_step()
        fault = fault_of_violation(error, step.path)
        if fault is None:
            raise
        return StepResult(faults=[fault])
    finally:
        session.finish_step()
    return StepResult(value)
