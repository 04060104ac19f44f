"""The reference as a document of a client's role."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from graphql import build_schema

from graphql_api.access.roles import Role
from graphql_api.http.paths import REFERENCE_PATH
from graphql_api.http.reference.page import ReferencePage
from graphql_api.http.role_documents import DocumentKind
from graphql_api.schema import schema_for


def reference_document(*, explorer: bool) -> DocumentKind:
    """Return the reference. With `explorer`, it has links that open operations in GraphiQL."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    style_hash = b64encode(sha256(style.encode()).digest()).decode()

    def build(role: Role) -> str:
        # From the text, as clients get it: Strawberry's types do not say which inputs are @oneOf.
        schema = build_schema(schema_for(role).as_str())
        return ReferencePage(schema, explorer=explorer).render(style)

    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style_hash}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
    }
    return DocumentKind(REFERENCE_PATH, "The reference", "text/html", headers, build)
