"""User errors: what a client has to change before a mutation can be run."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from db.writes.faults import Fault, FaultCode, FaultPath


def _error_code(code: FaultCode, description: str) -> Any:
    return strawberry.enum_value(code.value, description=description)


@strawberry.enum(description="The kind of a user error.")
class UserErrorCode(Enum):
    INVALID = _error_code(FaultCode.INVALID, "The value is not valid.")
    NOT_FOUND = _error_code(FaultCode.NOT_FOUND, "Nothing has this key.")
    ALREADY_EXISTS = _error_code(FaultCode.ALREADY_EXISTS, "Another object has this key.")
    DUPLICATE = _error_code(FaultCode.DUPLICATE, "The input names the same object twice.")
    CONFLICT = _error_code(
        FaultCode.CONFLICT, "The object has another version than expected: it was changed since it was read."
    )
    IN_USE = _error_code(FaultCode.IN_USE, "Other objects refer to this one.")
    INSUFFICIENT_STOCK = _error_code(FaultCode.INSUFFICIENT_STOCK, "There are fewer copies in stock.")
    TOO_LARGE = _error_code(FaultCode.TOO_LARGE, "The change takes longer than a request may.")


@strawberry.type(description="Something that the client has to change.")
class UserError:
    path: list[str] = strawberry.field(
        description="The path of the value: names of arguments and input fields, and indexes of lists."
    )
    code: UserErrorCode = strawberry.field(description="The kind of the error.")
    message: str = strawberry.field(description="What is wrong, and what to do, for a person.")


def to_user_errors(faults: Sequence[Fault]) -> list[UserError]:
    """Return the errors of faults; the paths have the names of GraphQL."""
    return [
        UserError(path=_path_of(fault.path), code=UserErrorCode[fault.code.name], message=fault.message)
        for fault in faults
    ]


def _path_of(path: FaultPath) -> list[str]:
    return [str(part) if isinstance(part, int) else to_camel_case(part) for part in path]
