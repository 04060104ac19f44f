"""Access keys: the clients that may do more than the public, with the hashes of their keys.

A name has at most one key that is not revoked. A new key of a name revokes the expired one.
"""

from alembic import op

revision = "0017"
down_revision = "0016"

UP = (
    "SET LOCAL lock_timeout = '5s'",
    """
    CREATE TABLE access_key (
        id bigint GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        role text COLLATE "C" NOT NULL,
        hash bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used_at timestamptz,
        CONSTRAINT access_key_pkey PRIMARY KEY (id),
        CONSTRAINT access_key_hash_key UNIQUE (hash),
        CONSTRAINT access_key_hash_length CHECK (octet_length(hash) = 32),
        CONSTRAINT access_key_name_trimmed CHECK (name <> '' AND name = btrim(name)),
        CONSTRAINT access_key_name_length CHECK (char_length(name) <= 100),
        CONSTRAINT access_key_role CHECK (role IN ('PUBLIC', 'EDITOR', 'MANAGER')),
        CONSTRAINT access_key_expires_later CHECK (expires_at > created_at)
    )
    """,
    "CREATE UNIQUE INDEX access_key_active_idx ON access_key (name) WHERE revoked_at IS NULL",
)

DOWN = ("SET LOCAL lock_timeout = '5s'", "DROP TABLE access_key")


def upgrade() -> None:
    for statement in UP:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.get_bind().exec_driver_sql(statement)
