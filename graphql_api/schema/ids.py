"""Global ids: opaque identifiers of nodes, encoding the type and the database id."""

from base64 import b64decode
from binascii import Error, b2a_base64

from strawberry import ID

from graphql_api.schema.errors import UserInputError

_MAX_DATABASE_ID = 2**63 - 1


def global_id(type_name: str, key: int) -> ID:
    """Return the global id of a database id of the given type."""
    return ID(b2a_base64(f"{type_name}:{key}".encode(), newline=False).decode())


def parse_global_id(argument: str, value: str) -> tuple[str, int]:
    """Return the type and database id in a global id. Raise UserInputError if it is not a global id."""
    try:
        type_name, _, digits = b64decode(value, validate=True).decode("ascii").partition(":")
        key = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else -1
    except (Error, ValueError):
        type_name, key = "", -1
    if not 0 <= key <= _MAX_DATABASE_ID or global_id(type_name, key) != value:
        raise UserInputError(
            argument, f"{argument} is {value[:60]!r}, which is not a global id. Use a value of an `id` field."
        )
    return type_name, key


def parse_database_id(argument: str, type_name: str, value: str) -> int:
    """Return the database id in a global id of this type. Raise UserInputError if its type differs."""
    actual_type, key = parse_global_id(argument, value)
    if actual_type != type_name:
        raise UserInputError(
            argument,
            f"{argument} is {value[:60]!r}, an id of type {actual_type}. Use an id of type {type_name}.",
        )
    return key
