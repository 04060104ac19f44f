"""Mutations: the operation, its answer and the key of its request are one transaction.

The answer is encoded before the commit, so that it is kept with what it tells. Nothing is written if it
cannot be encoded or read.
"""

from collections.abc import Awaitable, Callable

from db.connections.supervisor import PoolSupervisor
from db.connections.write_session import WriteSession
from db.errors import DatabaseError, StatementTimeoutError, UnknownOutcomeError
from db.writes.answers import OtherRequestError, RequestKey, claim_key, keep_answer
from graphql_api.http.failure_log import RunningOperation
from graphql_api.http.responses import HttpError, RawResponse, catalog_unavailable, service_unavailable

MAX_ATTEMPTS = 5
"""How often a mutation is run that PostgreSQL rolls back for the sake of another transaction."""

Execute = Callable[[WriteSession], Awaitable[tuple[RawResponse, bool]]]


def outcome_unknown() -> HttpError:
    """Return the error of a mutation whose commit was sent and not confirmed."""
    return service_unavailable(
        "The commit was not confirmed: the mutation may or may not have been run. Send the request again "
        "with the same Idempotency-Key, which tells; without one, read what it was to change.",
        "OUTCOME_UNKNOWN",
    )


async def run_mutation(
    supervisor: PoolSupervisor, running: RunningOperation, request_key: RequestKey | None, execute: Execute
) -> RawResponse:
    """Run a mutation in a transaction, and return its answer; with a key, the first answer to the request.

    `execute(session)` runs the operation, and returns the encoded answer and whether it has data. What an
    answer without data has written is rolled back. Raise HttpError if it cannot run.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        session = running.session = WriteSession(supervisor)
        try:
            response = await _run_once(session, request_key, execute)
        except UnknownOutcomeError as error:
            raise outcome_unknown() from error
        except Exception as error:
            await session.roll_back()
            if session.must_retry and attempt < MAX_ATTEMPTS:
                continue
            if isinstance(error, DatabaseError):
                raise catalog_unavailable(error) from error
            raise
        except BaseException:
            session.abandon()
            raise
        else:
            return response
    raise AssertionError


async def _run_once(session: WriteSession, request_key: RequestKey | None, execute: Execute) -> RawResponse:
    if request_key is not None:
        answer = await _claim(session, request_key)
        if answer is not None:
            await session.commit()  # it waits, as the first answer did, until a synchronous standby has it
            return RawResponse(answer, headers=[(b"idempotent-replayed", b"true")])
    response, has_data = await execute(session)
    if not has_data:
        await session.roll_back()
        return response
    if request_key is not None:
        await keep_answer(session, request_key, response.body)
    await session.commit()
    return response


async def _claim(session: WriteSession, request_key: RequestKey) -> bytes | None:
    try:
        return await claim_key(session, request_key)
    except OtherRequestError as error:
        raise HttpError(
            422,
            "This Idempotency-Key was used for another request: use a new key for each request.",
            code="IDEMPOTENCY_KEY_REUSED",
        ) from error
    except StatementTimeoutError as error:
        raise HttpError(
            409,
            "The first request with this Idempotency-Key still runs: retry later.",
            [(b"retry-after", b"1")],
            code="IDEMPOTENCY_KEY_IN_USE",
        ) from error
