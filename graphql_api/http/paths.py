"""The paths that the GraphQL API and its explorer are served at."""

GRAPHQL_PATH = "/graphql"

GRAPHQL_PATHS = frozenset((GRAPHQL_PATH, f"{GRAPHQL_PATH}/"))
"""The paths of the endpoint. Clients made for other servers add a slash at the end."""

SCHEMA_PATH = f"{GRAPHQL_PATH}/schema.graphql"

REFERENCE_PATH = f"{GRAPHQL_PATH}/reference"

EXPLORER_ASSETS_PATH = f"{GRAPHQL_PATH}/assets"
