"""Manifests: files that list the documents of a client, each with its identifier."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import orjson

_APOLLO_FORMAT = "apollo-persisted-query-manifest"
_APOLLO_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """A manifest cannot be used. The message is one line that names the file, the document and the reason."""


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """A document of the manifest at `path`. `identifier` is without the prefix `sha256:`."""

    path: Path
    identifier: str
    text: str

    def error(self, reason: str) -> ManifestError:
        """Return the error of this document."""
        reason = " ".join(reason.split())
        return ManifestError(f"{self.path}: the document {self.identifier!r} cannot be trusted: {reason}")


def hash_text(text: str) -> str:
    """Return the SHA-256 of a document's text, in hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


def strip_prefix(identifier: str) -> str:
    """Return an identifier without the prefix `sha256:`, which clients may leave out."""
    return identifier.removeprefix("sha256:")


def load_manifests(paths: Iterable[Path]) -> list[ManifestDocument]:
    """Return the documents of all manifests.

    Raise ManifestError if a file has another format, no document, or an identifier of another text.
    """
    documents: dict[str, ManifestDocument] = {}
    for path in paths:
        for document in _load_manifest(path):
            known = documents.setdefault(document.identifier, document)
            if known.text != document.text:
                raise document.error(f"{known.path} has another text with the same identifier.")
    return list(documents.values())


def _load_manifest(path: Path) -> list[ManifestDocument]:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ManifestError(f"{path}: the manifest cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        raise ManifestError(f"{path}: the manifest is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ManifestError(f"{path}: the manifest must be a JSON object.")
    members = cast("dict[str, Any]", content)
    texts = _read_operations(path, members) if "operations" in members else list(members.items())
    if not texts:
        raise ManifestError(f"{path}: the manifest has no documents.")
    return [_read_document(path, identifier, text) for identifier, text in texts]


def _read_operations(path: Path, manifest: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return the identifiers and texts of a manifest in Apollo's format."""
    found = (manifest.get("format"), manifest.get("version"))
    if found != (_APOLLO_FORMAT, _APOLLO_VERSION):
        raise ManifestError(
            f"{path}: the manifest has the format {found[0]!r}, version {found[1]!r}; "
            f"{_APOLLO_FORMAT!r}, version {_APOLLO_VERSION}, is supported."
        )
    operations = manifest["operations"]
    if not isinstance(operations, list):
        raise ManifestError(f"{path}: `operations` must be a list.")
    entries = [each if isinstance(each, dict) else {} for each in cast("list[Any]", operations)]
    return [(each.get("id"), each.get("body")) for each in cast("list[dict[str, Any]]", entries)]


def _read_document(path: Path, identifier: object, text: object) -> ManifestDocument:
    if not (isinstance(identifier, str) and identifier and isinstance(text, str)):
        raise ManifestError(
            f"{path}: the document {identifier!r} must have an identifier and a text, both strings."
        )
    document = ManifestDocument(path, strip_prefix(identifier), text)
    is_hash = document.identifier != identifier or _SHA256.fullmatch(identifier)
    if is_hash and document.identifier != hash_text(text):
        raise document.error("its identifier is not the SHA-256 of its text. Generate the manifest again.")
    return document
