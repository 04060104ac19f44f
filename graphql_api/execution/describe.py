"""Describe an operation's plan for people to read."""

from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

from db.errors import CatalogError
from graphql_api.execution.documents import (
    Document,
    DocumentCache,
    InvalidDocumentError,
    UnknownOperationError,
)
from graphql_api.execution.limits import LimitExceededError
from graphql_api.execution.plans import Plan


class PlanUnavailableError(CatalogError):
    """The operation has no plan to show; the message has the reason."""


def parse_operation(
    documents: DocumentCache, text: str, operation_name: str | None, variables: str
) -> tuple[Document, dict[str, Any] | None]:
    """Return the operation of that name in the text, and its variables, which are given as JSON.

    Raise PlanUnavailableError if the document or the variables are invalid.
    """
    try:
        variable_values = orjson.loads(variables)
        document = documents.get(text, operation_name)
    except orjson.JSONDecodeError as error:
        raise PlanUnavailableError(f"The variables are not JSON: {error}.") from error
    except UnknownOperationError as error:
        raise PlanUnavailableError(str(error)) from error
    except LimitExceededError as error:
        raise PlanUnavailableError(f"The document cannot be run: {error}") from error
    except InvalidDocumentError as error:
        raise PlanUnavailableError(f"The document cannot be run: {error.errors[0].message}") from error
    if not isinstance(variable_values, dict | None):
        raise PlanUnavailableError("The variables must be a JSON object.")
    return document, variable_values


def describe_plan(document: Document, variables: dict[str, Any] | None) -> str:
    """Return the source of an operation's plan, after the columns that it reads.

    Raise PlanUnavailableError if the operation runs on graphql-core.
    """
    values = document.variables.coerce(variables)
    plan = document.plan_for({} if values is None else values)
    if not isinstance(plan, Plan):
        raise PlanUnavailableError(f"graphql-core runs this operation: {plan}.")
    groups = groupby(sorted(plan.columns_read), key=itemgetter(0))
    columns = [f"# {type_name}: {', '.join(name for _, name in pairs)}" for type_name, pairs in groups]
    return "\n".join(["# Columns read, besides the id:", *columns, plan.source])
