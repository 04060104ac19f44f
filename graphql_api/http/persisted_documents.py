"""Persisted documents: requests that name their document by an identifier, and documents that are trusted."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from graphql_api.access.roles import Role
from graphql_api.execution.deprecations import DeprecatedUses
from graphql_api.execution.documents import Document, DocumentCache
from graphql_api.execution.manifests import hash_text
from graphql_api.execution.trusted_documents import TrustedDocuments
from graphql_api.http.failure_log import operation_label
from graphql_api.http.graphql_requests import GraphQLRequest
from graphql_api.http.registered_texts import RegisteredTexts
from graphql_api.http.responses import Header, HttpError, RequestError

# A cache that keeps this response would hide the document once it is there.
_NOT_CACHED: Sequence[Header] = [(b"cache-control", b"no-store")]

logger = logging.getLogger("bookstore.documents")

MAX_LOGGED_DOCUMENTS = 1_000
"""Maximum number of documents that a process logs as not trusted. The others are counted only."""


class TrustMode(Enum):
    """What happens to a document that is in no manifest: it runs, it is logged and runs, or it is refused."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class RoleDocuments:
    """The documents of a role.

    No identifier leads to a document that another role has sent, or that only another role may use.
    """

    cache: DocumentCache
    trusted: TrustedDocuments
    registered: RegisteredTexts = field(default_factory=RegisteredTexts)


class PersistedDocuments:
    """Finds the document of a request by its text or its identifier.

    `refusals` counts the requests that `TrustMode.ENFORCE` refuses or would refuse, by what they have sent:
    `id` or `text`. `deprecated_uses` counts the requests that use something deprecated.
    """

    def __init__(self, roles: Mapping[Role, RoleDocuments], mode: TrustMode) -> None:
        self.roles = roles
        self.mode = mode
        self.refusals = {"id": 0, "text": 0}
        has_manifest = any(documents.trusted.texts for documents in roles.values())
        self._checks_texts = has_manifest or mode is not TrustMode.OFF
        self._logged: set[str] = set()
        self.deprecated_uses = DeprecatedUses()
        for documents in roles.values():
            for operation in documents.trusted.operations():
                self.deprecated_uses.expect(operation_label(operation), operation.deprecated)

    def find(self, request: GraphQLRequest, role: Role) -> Document:
        """Return the document of a request, and fill in its text if the request has its identifier only.

        Raise HttpError, LimitExceededError, InvalidDocumentError or UnknownOperationError.
        """
        documents = self.roles[role]
        if not (request.document_id or self._checks_texts):
            return documents.cache.get(request.query, request.operation_name)
        has_text = bool(request.query)
        if request.document_id:
            self._resolve(request, documents)
        document = documents.trusted.get(request.query, request.operation_name)
        if document is not None:
            return document
        if self.mode is TrustMode.ENFORCE:
            raise self._refuse_text()
        document = documents.cache.get(request.query, request.operation_name)
        if request.document_id:
            documents.registered.add(request.document_id, request.query)
        if self.mode is TrustMode.LOG:
            self._report("text" if has_text else "id", document, request.query)
        return document

    def count_deprecated_uses(self, document: Document) -> None:
        """Count a request for a document that names something deprecated."""
        self.deprecated_uses.count(operation_label(document), document.deprecated)

    def _resolve(self, request: GraphQLRequest, documents: RoleDocuments) -> None:
        """Fill in the text, or check that the identifier is that of the text. Raise HttpError."""
        text = documents.trusted.texts.get(request.document_id)
        if text is None:
            text = documents.registered.get(request.document_id)
        if not request.query:
            if text is None:
                raise self._not_found()
            request.query = text
        elif request.query != text and hash_text(request.query) != request.document_id:
            raise HttpError(
                400,
                "The identifier is not that of the `query`: send the SHA-256 of its UTF-8 text in lower-case "
                "hexadecimal digits.",
                code="PERSISTED_QUERY_HASH_MISMATCH",
            )

    def _not_found(self) -> HttpError:
        if self.mode is not TrustMode.OFF:
            self.refusals["id"] += 1
        # Clients look for exactly this message or code. Then they send the query itself.
        return RequestError("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND", headers=_NOT_CACHED)

    def _refuse_text(self) -> HttpError:
        self.refusals["text"] += 1
        return RequestError(
            "The document is not trusted: send a document of the server's manifest, by its identifier or its "
            "exact text.",
            "DOCUMENT_NOT_TRUSTED",
        )

    def _report(self, sent: str, document: Document, text: str) -> None:
        """Count a document that is not trusted, and log it once."""
        self.refusals[sent] += 1
        hash_ = hash_text(text)
        if hash_ not in self._logged and len(self._logged) < MAX_LOGGED_DOCUMENTS:
            self._logged.add(hash_)
            logger.warning(
                "operation %s is not trusted: no manifest has the document sha256:%s, sent by %s",
                operation_label(document),
                hash_,
                sent,
            )
