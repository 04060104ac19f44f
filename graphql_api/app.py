"""The application: routes, middleware, and the tasks that run as long as it does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from db.connections.cluster import Cluster, ReplicaLimits
from db.connections.replica_urls import parse_replica_urls
from db.connections.supervisor import PoolSupervisor
from db.revision import require_head
from db.view_counts import ViewCounter
from db.writes.answers import delete_old_answers
from graphql_api.access.authenticator import Authenticator
from graphql_api.access.keyring import KeyRing
from graphql_api.access.roles import Role
from graphql_api.execution.documents import DocumentCache
from graphql_api.execution.executor import operation_counts
from graphql_api.execution.manifests import ManifestDocument, load_manifests
from graphql_api.execution.trusted_documents import TrustedDocuments
from graphql_api.http import storefront_page
from graphql_api.http.cors import CorsMiddleware
from graphql_api.http.endpoint import Endpoint
from graphql_api.http.explorer_page import explorer_assets
from graphql_api.http.gzip import GzipMiddleware
from graphql_api.http.health import health_routes
from graphql_api.http.metrics import metrics_route
from graphql_api.http.paths import GRAPHQL_PATH, GRAPHQL_PATHS
from graphql_api.http.persisted_documents import PersistedDocuments, RoleDocuments, TrustMode
from graphql_api.http.reference.document import reference_document
from graphql_api.http.request_ids import RequestIdMiddleware
from graphql_api.http.role_documents import role_document_route
from graphql_api.http.root import root_route
from graphql_api.http.schema_document import SCHEMA_DOCUMENT
from graphql_api.http.storefront_page import Storefront
from graphql_api.schema import schema_for
from graphql_api.settings import Settings

if TYPE_CHECKING:
    from graphql_api.access.tokens import TokenVerifier


class BookstoreApp(Starlette):
    """A Starlette application that bypasses the router for /graphql, since nearly all requests go there."""

    def __init__(self, endpoint: Endpoint, settings: Settings, routes: list[Route], **options: Any) -> None:
        graphql_routes = [Route(path, endpoint) for path in GRAPHQL_PATHS]
        super().__init__(routes=[*graphql_routes, *routes], **options)
        self.router.redirect_slashes = False
        self.endpoint = endpoint
        self.cors_origins = settings.origins

    def build_middleware_stack(self) -> ASGIApp:
        routed_app = super().build_middleware_stack()

        async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
            is_graphql = scope["type"] == "http" and scope["path"] in GRAPHQL_PATHS
            await (self.endpoint if is_graphql else routed_app)(scope, receive, send)

        app: ASGIApp = GzipMiddleware(dispatch, minimum_size=1_000, compresslevel=5)
        if self.cors_origins:
            app = CorsMiddleware(app, self.cors_origins)
        return RequestIdMiddleware(app)


def create_app(settings: Settings, dsn: str) -> BookstoreApp:
    """Return the application for the database at `dsn`. It connects when it starts.

    While PostgreSQL is unavailable or the database is not migrated, requests get 503. The log has the reason.
    Raise ManifestError if a document of a manifest cannot be trusted.
    """
    cluster = _create_cluster(settings, dsn)
    view_counter = ViewCounter(cluster.primary)
    authenticator = Authenticator(
        KeyRing(cluster), _create_token_verifier(settings), public_access=settings.public_access
    )
    documents = create_documents(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        await cluster.start()
        loops = (
            cluster.monitor(),
            view_counter.run(),
            authenticator.run(),
            delete_old_answers(cluster.primary),
        )
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await cluster.stop()

    storefront = Storefront(explorer=settings.explorer) if settings.storefront else None
    routes = [
        root_route(GRAPHQL_PATH, explorer=settings.explorer, storefront=storefront),
        *_create_schema_routes(settings, authenticator, cluster),
        *health_routes(lambda: cluster.can_read),
        *(storefront.routes() if storefront else ()),
    ]
    if settings.metrics:
        deprecated_uses = documents.deprecated_uses.counts
        routes.append(metrics_route(operation_counts, documents.refusals, deprecated_uses))
    exception_handlers: dict[int, Any] = {404: storefront.respond_not_found} if storefront else {}
    endpoint = Endpoint(settings, documents, authenticator, cluster, view_counter)
    return BookstoreApp(endpoint, settings, routes, lifespan=lifespan, exception_handlers=exception_handlers)


def _create_schema_routes(settings: Settings, authenticator: Authenticator, cluster: Cluster) -> list[Route]:
    """Return the routes of the pages and documents that show the schema."""
    routes = [
        role_document_route(kind, authenticator, cluster, introspection=settings.introspection)
        for kind in (SCHEMA_DOCUMENT, reference_document(explorer=settings.explorer))
    ]
    if settings.explorer and settings.introspection:
        routes.append(explorer_assets())
    return routes


def _create_cluster(settings: Settings, dsn: str) -> Cluster:
    create_supervisor = partial(
        PoolSupervisor,
        size=settings.pool_size,
        command_timeout=settings.command_timeout,
        acquire_timeout=settings.pool_timeout,
        on_open=require_head,
    )
    limits = ReplicaLimits(
        max_lag=settings.max_replica_lag,
        max_lag_bytes=settings.max_replica_lag_bytes,
        catch_up_timeout=settings.catch_up_timeout,
    )
    replica_urls = parse_replica_urls(settings.replica_urls, dsn)
    return Cluster(create_supervisor(dsn), [create_supervisor(url) for url in replica_urls], limits)


def create_documents(settings: Settings) -> PersistedDocuments:
    """Return the documents of all roles, with those of the manifests compiled.

    Raise ManifestError if a document of a manifest cannot be trusted.
    """
    documents = load_manifests(_manifest_paths(settings))
    roles = {
        role: RoleDocuments(
            _create_document_cache(settings, role), _compile_trusted_documents(settings, role, documents)
        )
        for role in Role
    }
    return PersistedDocuments(roles, TrustMode(settings.trusted_documents_mode))


def check_manifests(settings: Settings) -> None:
    """Raise ManifestError if a document of a manifest cannot be trusted."""
    _compile_trusted_documents(settings, max(Role), load_manifests(_manifest_paths(settings)))


def _manifest_paths(settings: Settings) -> list[Path]:
    """Return the paths of the manifests, with the storefront's if other documents may be refused."""
    checks_documents = TrustMode(settings.trusted_documents_mode) is not TrustMode.OFF
    needs_storefront = checks_documents and settings.storefront and storefront_page.MANIFEST.is_file()
    return [*settings.manifest_paths, *([storefront_page.MANIFEST] if needs_storefront else [])]


def _compile_trusted_documents(
    settings: Settings, role: Role, documents: list[ManifestDocument]
) -> TrustedDocuments:
    """Return the documents that a role may use. The highest role may use all of them."""
    return TrustedDocuments(
        documents,
        schema_for(role),
        settings.limits,
        skip_invalid=role is not max(Role),
        introspection=settings.introspection,
        suggestions=settings.suggests_names,
    )


def _create_document_cache(settings: Settings, role: Role) -> DocumentCache:
    return DocumentCache(
        schema_for(role),
        limits=settings.limits,
        introspection=settings.introspection,
        suggestions=settings.suggests_names,
    )


def _create_token_verifier(settings: Settings) -> "TokenVerifier | None":
    """Return the verifier of tokens; None if JWT_JWKS is not set, and the libraries are then not loaded."""
    if not (settings.jwt_jwks and settings.jwt_issuer and settings.jwt_audience):
        return None
    from graphql_api.access.jwks import JwksCache
    from graphql_api.access.tokens import TokenVerifier

    algorithms = settings.token_algorithms
    return TokenVerifier(
        JwksCache(settings.jwt_jwks, algorithms),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        algorithms=algorithms,
        role_claim=settings.jwt_role_claim,
    )
