"""Global ids: opaque names of a node, made of its type and its key."""

from base64 import b64decode
from binascii import Error, b2a_base64

from strawberry import ID

from graphql_api.schema.errors import BadInput

HIGHEST_KEY = 2**63 - 1


def global_id(type_name: str, key: int) -> ID:
    return ID(b2a_base64(f"{type_name}:{key}".encode(), newline=False).decode())


def parsed_id(argument: str, value: str) -> tuple[str, int]:
    """The type and key that a global id names; BadInput when it is not one that `global_id` made."""
    try:
        type_name, _, digits = b64decode(value, validate=True).decode("ascii").partition(":")
        key = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else -1
    except (Error, ValueError):
        type_name, key = "", -1
    if not 0 <= key <= HIGHEST_KEY or global_id(type_name, key) != value:
        raise BadInput(argument, f"{value[:60]!r} is not an id: give one that an `id` field answered.")
    return type_name, key


def key_of(argument: str, type_name: str, value: str) -> int:
    """The key in a global id of one type; BadInput when it is of another."""
    named, key = parsed_id(argument, value)
    if named != type_name:
        raise BadInput(argument, f"{value[:60]!r} is an id of type {named}, not {type_name}.")
    return key
