"""Trusted documents: compiled at start, larger than other documents may be, kept out of lesser schemas."""

from pathlib import Path

import pytest
import strawberry

from graphql_api.execution.documents import DocumentCache, UnknownOperationError
from graphql_api.execution.fields import object_field
from graphql_api.execution.limits import LimitExceededError, Limits
from graphql_api.execution.manifests import ManifestDocument, ManifestError, hash_text
from graphql_api.execution.plans import Plan
from graphql_api.execution.trusted_documents import SIZE_FACTOR, TrustedDocuments

PATH = Path("shop.json")


def resolve_one() -> int:
    return 1


@strawberry.type
class Query:
    name: int = object_field(resolve_one, "")


schema = strawberry.Schema(Query)


def trust(
    text: str, identifier: str = "a", *, limits: Limits | None = None, skip_invalid: bool = False
) -> TrustedDocuments:
    document = ManifestDocument(PATH, identifier, text)
    return TrustedDocuments([document], schema, limits or Limits(), skip_invalid=skip_invalid)


SMALL = Limits(aliases=1, fields=2, document_length=100, tokens=30)


def fields(count: int) -> str:
    return f"{{ {' '.join(f'a{number}: name' for number in range(count))} }}"


def test_a_document_is_found_by_its_text_its_identifier_and_its_hash() -> None:
    text = "query A { name }"

    trusted = trust(text)

    assert trusted.texts == {"a": text, hash_text(text): text}
    assert trusted.get(text, None) is trusted.get(text, "A")
    assert trusted.get(f"{text} ", None) is None


def test_each_operation_of_a_document_is_compiled_at_start() -> None:
    text = "query A { name } query B { other: name }"

    trusted = trust(text)

    operations = [trusted.get(text, name) for name in ("A", "B")]
    assert [each and each.operation.name and each.operation.name.value for each in operations] == ["A", "B"]
    for operation in operations:
        assert operation
        assert [type(plan) for plan in operation.plans.values()] == [Plan]


def test_a_plan_is_compiled_for_each_combination_of_conditions() -> None:
    text = "query ($a: Boolean!, $b: Boolean!) { name @skip(if: $a) other: name @include(if: $b) }"

    document = trust(text).get(text, None)

    assert document
    assert set(document.plans) == {(False, False), (False, True), (True, False), (True, True)}


def test_plans_of_too_many_combinations_are_compiled_when_they_are_used() -> None:
    names = "abcde"
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    text = f"query ({declared}) {{ {fields} }}"

    document = trust(text).get(text, None)

    assert document
    assert document.plans == {}
    assert isinstance(document.plan_for(dict.fromkeys(names, False)), Plan)


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("query A { name }", "B", "The document has no operation 'B'."),
        ("query A { name } query B { name }", "C", "The document has no operation 'C'."),
        (
            "query A { name } query B { name }",
            None,
            "The document has several operations: select one with operationName.",
        ),
    ],
)
def test_an_operation_that_a_document_lacks_is_an_error(text: str, name: str | None, message: str) -> None:
    with pytest.raises(UnknownOperationError) as raised:
        trust(text).get(text, name)

    assert str(raised.value) == message


def test_a_document_may_exceed_the_limits_on_sizes_by_a_factor() -> None:
    largest, too_large = fields(SMALL.aliases * SIZE_FACTOR), fields(SMALL.aliases * SIZE_FACTOR + 1)

    trusted = trust(largest, limits=SMALL)
    with pytest.raises(LimitExceededError):
        DocumentCache(schema, limits=SMALL).get(largest, None)
    with pytest.raises(ManifestError) as raised:
        trust(too_large, limits=SMALL)

    assert trusted.get(largest, None)
    assert str(raised.value) == (
        "shop.json: the document 'a' cannot be trusted: An operation has 11 aliases; "
        "at most 10 are allowed (MAX_ALIASES)."
    )


def test_a_trusted_document_has_the_limits_on_cost() -> None:
    text = "query ($all: Boolean!) { a: name b: name c: name @include(if: $all) }"
    document = trust(text, limits=Limits(response_values=2)).get(text, None)

    assert document
    assert document.prepare({"all": False}).value_cost == 2
    with pytest.raises(LimitExceededError) as raised:
        document.prepare({"all": True})

    assert raised.value.error.extensions == {
        "code": "LIMIT_EXCEEDED",
        "limit": "MAX_RESPONSE_VALUES",
        "allowed": 2,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{ name", "Syntax Error: Expected Name, found <EOF>. (line 1, column 7)"),
        ("{\n  nam\n}", "Cannot query field 'nam' on type 'Query'. Did you mean 'name'? (line 2, column 3)"),
        (fields(3), "The operation costs 3 values; at most 2 are allowed (MAX_RESPONSE_VALUES)."),
        ("fragment F on Query { name }", "The document has no operation."),
        (
            "{ name } query A { name }",
            "The document has several operations: select one with operationName.",
        ),
        (
            "query A { name } query A { name }",
            "The document has several operations: select one with operationName.",
        ),
        (
            "{ name " * 3_000,
            "Syntax Error: Document is nested too deeply. Parsing aborted. (line 1, column 1401)",
        ),
    ],
    ids=["syntax", "unknown field", "cost", "no operation", "no name", "the same name", "depth"],
)
def test_a_document_that_cannot_run_is_named_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ManifestError) as raised:
        trust(text, limits=Limits(response_values=2))

    assert str(raised.value) == f"shop.json: the document 'a' cannot be trusted: {reason}"


def test_a_document_that_only_another_schema_has_is_not_trusted() -> None:
    text = "{ secret }"

    trusted = trust(text, skip_invalid=True)

    assert trusted.texts == {}
    assert trusted.get(text, None) is None
