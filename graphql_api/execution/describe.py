"""Plans for people to read."""

from itertools import groupby
from operator import itemgetter

import orjson

from db.errors import CatalogError
from graphql_api.execution.documents import Documents, InvalidDocument, UnknownOperation
from graphql_api.execution.limits import LimitExceeded
from graphql_api.execution.plans import Plan


class NoPlan(CatalogError):
    """There is no plan to show; the message says why."""


def described(documents: Documents, text: str, operation_name: str | None, variables: str) -> str:
    """The source of an operation's plan, after the columns that it reads.

    Raises NoPlan where the document or the variables cannot be used, or stock execution runs the operation.
    """
    try:
        given = orjson.loads(variables)
        document = documents.find(text, operation_name)
    except orjson.JSONDecodeError as error:
        raise NoPlan(f"The variables are not JSON: {error}.") from error
    except UnknownOperation as error:
        raise NoPlan(str(error)) from error
    except LimitExceeded as error:
        raise NoPlan(f"The document cannot be run: {error}") from error
    except InvalidDocument as error:
        raise NoPlan(f"The document cannot be run: {error.errors[0].message}") from error
    if not isinstance(given, dict | None):
        raise NoPlan("The variables must be a JSON object.")
    values = document.variables.values(given)
    plan = document.plan({} if values is None else values)
    if not isinstance(plan, Plan):
        raise NoPlan(f"Stock execution runs this operation: {plan}.")
    kinds = groupby(sorted(plan.reads), key=itemgetter(0))
    columns = [f"# {kind}: {', '.join(name for _, name in names)}" for kind, names in kinds]
    return "\n".join(["# Columns read, besides the id:", *columns, plan.source])
