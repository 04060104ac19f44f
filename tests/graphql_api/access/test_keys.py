"""The format of keys, their hashes, and the roles that they may have."""

from hashlib import sha256

import pytest

from db.constraints import ACCESS_ROLES
from graphql_api.access.keys import generate_key, hash_key, is_key
from graphql_api.access.roles import Role


def test_a_generated_key_has_the_format_of_keys() -> None:
    keys = {generate_key() for _ in range(1_000)}

    assert len(keys) == 1_000
    assert all(is_key(key) and len(key) == len("bsk_") + 43 for key in keys)


@pytest.mark.parametrize(
    "text",
    ["", "bsk_", "x" * 43, f"bsk_{'x' * 42}", f"bsk_{'x' * 44}", f"bsk_{'x' * 42}+", f"bsk_{'x' * 43}\n"],
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key(text)


def test_the_hash_is_that_of_the_whole_key() -> None:
    key = f"bsk_{'x' * 43}"

    assert hash_key(key) == sha256(key.encode("ascii")).digest()


def test_a_key_may_have_each_role() -> None:
    assert tuple(role.name for role in Role) == ACCESS_ROLES
