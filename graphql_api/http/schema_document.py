"""The schema of a client's role as a document, for tools that read a file: code generators, linters, editors.

Introspection does not show `@oneOf`, `@cost` and `@listSize`; the document has them.
"""

from graphql_api.http.paths import SCHEMA_PATH
from graphql_api.http.role_documents import DocumentKind
from graphql_api.schema import schema_for

SCHEMA_DOCUMENT = DocumentKind(
    SCHEMA_PATH,
    "The schema",
    "text/plain",
    {"Content-Disposition": 'inline; filename="schema.graphql"'},
    lambda role: f"{schema_for(role).as_str()}\n",
)
