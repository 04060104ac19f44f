"""Manifests: each tool's format is read, and what is wrong in one is named in one line."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphql_api.execution.manifests import ManifestDocument, ManifestError, hash_text, load_manifests

TEXT = "query Names { __typename }"
HASH = "0c5b08ed5e58a9b8bc4f1a4d5a4a1ab6"  # an MD5 as Relay's compiler writes it
SHA256 = hash_text(TEXT)


def write(folder: Path, content: object, name: str = "manifest.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "identifier"),
    [
        (
            {
                "format": "apollo-persisted-query-manifest",
                "version": 1,
                "operations": [{"id": SHA256, "name": "Names", "type": "query", "body": TEXT}],
            },
            SHA256,
        ),
        ({HASH: TEXT}, HASH),
        ({SHA256: TEXT}, SHA256),
        ({f"sha256:{SHA256}": TEXT}, SHA256),
        ({"x-shop:names": TEXT}, "x-shop:names"),
    ],
    ids=["Apollo", "Relay", "graphql-codegen", "prefixed", "custom"],
)
def test_the_formats_of_all_tools_are_read(tmp_path: Path, content: object, identifier: str) -> None:
    path = write(tmp_path, content)

    assert load_manifests([path]) == [ManifestDocument(path, identifier, TEXT)]


def test_manifests_of_several_clients_may_share_documents(tmp_path: Path) -> None:
    shop = write(tmp_path, {HASH: TEXT, "a": "{ a }"}, "shop.json")
    app = write(tmp_path, {SHA256: TEXT, HASH: TEXT}, "app.json")

    assert load_manifests([shop, app]) == [
        ManifestDocument(shop, HASH, TEXT),
        ManifestDocument(shop, "a", "{ a }"),
        ManifestDocument(app, SHA256, TEXT),
    ]


APOLLO = {"format": "apollo-persisted-query-manifest", "version": 1}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "the manifest is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        ([["a", "{ a }"]], "the manifest must be a JSON object."),
        ({}, "the manifest has no documents."),
        ({**APOLLO, "operations": []}, "the manifest has no documents."),
        ({**APOLLO, "operations": {"a": "{ a }"}}, "`operations` must be a list."),
        (
            {**APOLLO, "version": 2, "operations": []},
            "the manifest has the format 'apollo-persisted-query-manifest', version 2; "
            "'apollo-persisted-query-manifest', version 1, is supported.",
        ),
        (
            {"operations": []},
            "the manifest has the format None, version None; 'apollo-persisted-query-manifest', version 1, "
            "is supported.",
        ),
        (
            {**APOLLO, "operations": [{"id": "a"}]},
            "the document 'a' must have an identifier and a text, both strings.",
        ),
        (
            {**APOLLO, "operations": ["{ a }"]},
            "the document None must have an identifier and a text, both strings.",
        ),
        ({"": "{ a }"}, "the document '' must have an identifier and a text, both strings."),
        ({"a": {"text": "{ a }"}}, "the document 'a' must have an identifier and a text, both strings."),
        (
            {SHA256: f"{TEXT}\n"},
            f"the document '{SHA256}' cannot be trusted: its identifier is not the SHA-256 of its text. "
            "Generate the manifest again.",
        ),
        (
            {"sha256:a": TEXT},
            "the document 'a' cannot be trusted: its identifier is not the SHA-256 of its text. "
            "Generate the manifest again.",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, content: object, reason: str
) -> None:
    path = write(tmp_path, content)

    with pytest.raises(ManifestError) as raised:
        load_manifests([path])

    assert str(raised.value) == f"{path}: {reason}"


def test_an_identifier_of_two_texts_is_rejected(tmp_path: Path) -> None:
    shop, app = write(tmp_path, {"a": "{ a }"}, "shop.json"), write(tmp_path, {"a": "{ b }"}, "app.json")

    with pytest.raises(ManifestError) as raised:
        load_manifests([shop, app])

    reason = f"{shop} has another text with the same identifier."
    assert str(raised.value) == f"{app}: the document 'a' cannot be trusted: {reason}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as raised:
        load_manifests([tmp_path / "none.json"])

    assert (
        str(raised.value) == f"{tmp_path}/none.json: the manifest cannot be read: No such file or directory."
    )


@given(st.text(st.characters(codec="utf-8")), st.booleans())
def test_a_text_is_accepted_with_its_hash_and_with_no_other(text: str, prefixed: bool) -> None:
    own, other = hash_text(text), hash_text(f"{text} ")
    prefix = "sha256:" if prefixed else ""

    with pytest.MonkeyPatch.context() as patch:
        for hash_ in (own, other):
            content = orjson.dumps({prefix + hash_: text})
            patch.setattr(Path, "read_bytes", lambda _, content=content: content)
            if hash_ == own:
                assert [each.identifier for each in load_manifests([Path("m")])] == [own]
            else:
                with pytest.raises(ManifestError):
                    load_manifests([Path("m")])
