"""Check the schema against the committed one, and that no client of the last release breaks without notice.

The arguments are manifests of documents that must stay valid. `--release` writes the schemas of a release instead.
"""

import sys
from pathlib import Path

from graphql import build_schema

import graphql_api
from graphql_api.access.roles import Role
from graphql_api.cli.schema_changes import check_schema, read_schema
from graphql_api.execution.manifests import load_manifests
from graphql_api.schema import schema_for

ROOT = Path(__file__).parent.parent
COMMITTED = Path(graphql_api.__file__).parent / "schema.graphql"
RELEASED = Path(__file__).parent / "released_schemas"
CHANGELOG = ROOT / "CHANGELOG.md"


def schema_text(role: Role) -> str:
    return schema_for(role).as_str() + "\n"


def released_path(role: Role) -> Path:
    return RELEASED / f"{role.name.lower()}.graphql"


def find_breaks(manifests: list[Path]) -> dict[str, list[str]]:
    """Return what would break clients without notice, and the roles of these clients."""
    roles: dict[str, list[str]] = {}
    for role in Role:
        check = check_schema(
            read_schema(released_path(role)),
            build_schema(schema_text(role)),
            changelog=CHANGELOG.read_text(encoding="utf-8"),
            documents=load_manifests(manifests),
        )
        if check.unannounced or check.broken:
            for line in check.report().splitlines():
                roles.setdefault(line, []).append(role.name.lower())
    return roles


def main(arguments: list[str]) -> int:
    if arguments == ["--release"]:
        for role in Role:
            released_path(role).write_text(schema_text(role), encoding="utf-8")
        return 0
    failures = [
        f"{line} ({', '.join(roles)})" if line[0] == " " else line
        for line, roles in find_breaks([Path(each) for each in arguments]).items()
    ]
    if COMMITTED.read_text(encoding="utf-8") != schema_text(Role.PUBLIC):
        failures.append(
            "graphql_api/schema.graphql is stale: `bookstore schema > graphql_api/schema.graphql`."
        )
    for failure in failures:
        print(failure)  # noqa: T201
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
