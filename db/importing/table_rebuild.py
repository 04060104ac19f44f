"""Rebuild whole tables under other names and swap them with the old ones.

Filling a table without indexes and building each index once costs a fraction of updating indexes row by
row. Readers use the old tables until the swap. Indexes, constraints, triggers and grants are copied from
the definitions in PostgreSQL's system catalogs, under the same names.

As after TRUNCATE, the new table looks empty to a REPEATABLE READ transaction whose snapshot is older than
the swap. The swap therefore waits until there are no old snapshots (see _COUNT_OLD_SNAPSHOTS).
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from db.errors import CatalogImportError

_SUFFIX = "_rebuilt"
LISTING_TABLES = ("author_listing", "category_listing", "book_search", "search_word")
BOOK_TABLES = ("author", "book", "book_author", "book_category")

# Finds dependent objects that cannot be copied. A table with such an object must be updated row by row.
_REBUILD_BLOCKERS = """
/* obstacles_to_rebuilding */
SELECT c.relname || ': ' || o.what
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT 'another owner' AS what WHERE NOT pg_has_role(c.relowner, 'USAGE')
    UNION ALL
    SELECT 'no permission to create tables' WHERE NOT has_schema_privilege(c.relnamespace, 'CREATE')
    UNION ALL
    SELECT d.classid::regclass::text FROM pg_depend d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'n'
      AND d.classid NOT IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_class'::regclass)
      -- A trigger on one column or with a condition depends on its table's columns. It is copied, so it is no blocker.
      AND NOT EXISTS (SELECT FROM pg_trigger g
                      WHERE d.classid = 'pg_trigger'::regclass AND g.oid = d.objid AND g.tgrelid = c.oid)
    UNION ALL
    SELECT 'foreign key ' || f.conname FROM pg_constraint f
    JOIN pg_class r ON r.oid = f.conrelid
    WHERE f.confrelid = c.oid AND f.contype = 'f' AND NOT pg_has_role(r.relowner, 'USAGE')
    UNION ALL
    SELECT 'trigger ' || t.tgname FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled <> 'O'
    UNION ALL
    SELECT 'policy ' || p.polname FROM pg_policy p WHERE p.polrelid = c.oid
    UNION ALL
    SELECT 'publication' FROM pg_publication_rel p WHERE p.prrelid = c.oid
    UNION ALL
    SELECT 'statistics ' || s.stxname FROM pg_statistic_ext s WHERE s.stxrelid = c.oid
    UNION ALL
    SELECT 'inheritance' FROM pg_inherits i WHERE c.oid IN (i.inhparent, i.inhrelid)
    UNION ALL
    SELECT 'grants on columns' FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
    UNION ALL
    SELECT 'row security or replica identity' WHERE c.relrowsecurity OR c.relreplident <> 'd'
) o
WHERE c.oid = ANY ($1::text[]::regclass[])
ORDER BY 1
"""

_CREATE_REBUILT = """
/* create_rebuilt */
SELECT format(
           'CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)',
           n.nspname, c.relname || $2::text, c.relname
       )
FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n_th)
JOIN pg_class c ON c.oid = u.name::regclass
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY u.n_th
"""

_COPY_ROWS = """
/* copy_rows_to_rebuilt */
SELECT format(
           'INSERT INTO %1$I.%2$I (%4$s) SELECT %4$s FROM %1$I.%3$I ORDER BY %5$s',
           n.nspname, c.relname || $2::text, c.relname,
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
           (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n_th)
            FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, n_th)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = c.oid AND i.indisprimary)
       )
FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n_th)
JOIN pg_class c ON c.oid = u.name::regclass
JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY u.n_th
"""

# Generates statements in the order of execution: options, indexes, keys, foreign keys, triggers, identity,
# owner, grants and ANALYZE.
_FINISH_REBUILT = """
/* complete_rebuilt */
WITH t AS (
    SELECT c.oid, c.relname, u.n_th, u.name = ANY ($3::text[]) AS wanted, c.reloptions, c.relacl, c.relowner,
           format('%I.%I', n.nspname, c.relname) AS old, format('%I.%I', n.nspname, c.relname || $2::text) AS new
    FROM unnest($1::text[]) WITH ORDINALITY AS u (name, n_th)
    JOIN pg_class c ON c.oid = u.name::regclass
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT d.ddl FROM t JOIN (
    SELECT 1 AS step, t.n_th, '' AS name,
           format('ALTER TABLE %s SET (%s)', t.new, array_to_string(t.reloptions, ', ')) AS ddl
    FROM t WHERE t.reloptions IS NOT NULL
    UNION ALL
    SELECT 2, t.n_th, i.relname,
           format('CREATE %sINDEX %I ON %s%s', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END,
                  i.relname || $2::text, t.new, substring(pg_get_indexdef(i.oid) FROM ' USING .*$'))
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.conrelid = t.oid)
    UNION ALL
    SELECT 3, t.n_th, k.conname,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.new, k.conname || $2::text, pg_get_constraintdef(k.oid))
    FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 4, t.n_th, k.conname,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', t.new, k.conname, replace(
               pg_get_constraintdef(k.oid), format('REFERENCES %s(', k.confrelid::regclass),
               format('REFERENCES %s(', coalesce(r.new, k.confrelid::regclass::text))
           ))
    FROM t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' LEFT JOIN t r ON r.oid = k.confrelid
    UNION ALL
    SELECT 4, t.n_th, k.conname,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname || $2::text, replace(
               pg_get_constraintdef(k.oid), format('REFERENCES %s(', k.confrelid::regclass),
               format('REFERENCES %s(', t.new)
           ))
    FROM t JOIN pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f'
    WHERE k.conrelid NOT IN (SELECT oid FROM t)
    UNION ALL
    SELECT 5, t.n_th, g.tgname,
           replace(pg_get_triggerdef(g.oid), format(' ON %s ', t.old), format(' ON %s ', t.new))
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 6, t.n_th, a.attname,
           format('ALTER TABLE %s ALTER COLUMN %I ADD GENERATED %s AS IDENTITY (SEQUENCE NAME %I.%I)',
                  t.new, a.attname, CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END,
                  s.schemaname, s.sequencename || $2::text)
    FROM t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attidentity <> ''
    JOIN pg_sequences s ON format('%I.%I', s.schemaname, s.sequencename) = pg_get_serial_sequence(t.old, a.attname)
    UNION ALL
    SELECT 7, t.n_th, a.attname,
           format('SELECT setval(%L, %s)', format('%I.%I', s.schemaname, s.sequencename || $2::text), s.last_value)
    FROM t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attidentity <> ''
    JOIN pg_sequences s ON format('%I.%I', s.schemaname, s.sequencename) = pg_get_serial_sequence(t.old, a.attname)
    WHERE s.last_value IS NOT NULL
    UNION ALL
    SELECT 8, t.n_th, '', format('ALTER TABLE %s OWNER TO %s', t.new, t.relowner::regrole)
    FROM t WHERE t.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    UNION ALL
    SELECT 9, t.n_th, '',
           format('GRANT %s ON %s TO %s%s', g.privilege_type, t.new,
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
                  CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM t CROSS JOIN aclexplode(t.relacl) g WHERE g.grantee <> t.relowner
    UNION ALL
    SELECT 10, t.n_th, '', format('ANALYZE %s', t.new) FROM t
) d ON d.n_th = t.n_th
WHERE t.wanted
ORDER BY d.step, d.n_th, d.name
"""

_SWAP = """
/* swap_rebuilt */
WITH t AS (
    SELECT c.oid, c.relname, n.nspname,
           format('%I.%I', n.nspname, c.relname) AS old, format('%I.%I', n.nspname, c.relname || $2::text) AS new
    FROM unnest($1::text[]) AS u (name)
    JOIN pg_class c ON c.oid = u.name::regclass
    JOIN pg_namespace n ON n.oid = c.relnamespace
)
SELECT ddl FROM (
    SELECT 0 AS step, k.conname AS name, format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname) AS ddl
    FROM t JOIN pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f'
    WHERE k.conrelid NOT IN (SELECT oid FROM t)
    UNION ALL
    SELECT 1, '', format('DROP TABLE %s', string_agg(t.old, ', ')) FROM t
    UNION ALL
    SELECT 2, t.relname, format('ALTER TABLE %s RENAME TO %I', t.new, t.relname) FROM t
    UNION ALL
    SELECT 3, i.relname, format('ALTER INDEX %I.%I RENAME TO %I', t.nspname, i.relname || $2::text, i.relname)
    FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT 4, s.relname, format('ALTER SEQUENCE %I.%I RENAME TO %I', t.nspname, s.relname || $2::text, s.relname)
    FROM t
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.deptype = 'i'
    JOIN pg_class s ON d.classid = 'pg_class'::regclass AND s.oid = d.objid AND s.relkind = 'S'
    UNION ALL
    SELECT 5, k.conname, format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', k.conrelid::regclass,
                                k.conname || $2::text, k.conname)
    FROM t JOIN pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f'
    WHERE k.conrelid NOT IN (SELECT oid FROM t)
) d
ORDER BY step, name
"""

# Dropping a foreign key locks both tables, so both are locked here.
_LOCK_FOR_SWAP = """
/* lock_for_swap */
SELECT format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', string_agg(n.name::regclass::text, ', ' ORDER BY n.name))
FROM (
    SELECT u.name::regclass::oid AS name FROM unnest($1::text[]) AS u (name)
    UNION
    SELECT unnest(ARRAY[k.conrelid, k.confrelid]) FROM pg_constraint k
    WHERE k.contype = 'f' AND ($1::text[]::regclass[]) && ARRAY[k.conrelid::regclass, k.confrelid::regclass]
) n
"""

# A transaction caches pg_stat_activity at its first read; clear the cache before each check.
_CLEAR_STATS_SNAPSHOT = """
/* look_again */
SELECT pg_stat_clear_snapshot()
"""

# A transaction with a snapshot from an earlier statement would see the new tables as empty. A transaction
# whose first statement waits for our lock is safe: it takes its snapshot after it acquires the lock.
_COUNT_OLD_SNAPSHOTS = """
/* old_snapshots */
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND backend_xmin IS NOT NULL AND query_start - xact_start > interval '20 milliseconds'
"""

_DEFER_LISTINGS = """
/* defer_listings */
SET LOCAL bookstore.defer_listings = 'on'
"""


async def find_rebuild_blockers(connection: asyncpg.Connection, tables: Sequence[str]) -> list[str]:
    """Return the objects that depend on these tables and would be lost by a rebuild."""
    return [row[0] for row in await connection.fetch(_REBUILD_BLOCKERS, tables)]


async def create_rebuilt_tables(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Create the empty tables, and disable the triggers that maintain the listings."""
    await connection.execute(_DEFER_LISTINGS)
    await _execute_generated(connection, _CREATE_REBUILT, tables)


async def copy_rows(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Copy the rows of the old tables to the rebuilt ones."""
    await _execute_generated(connection, _COPY_ROWS, tables)


async def finish_rebuilt_tables(
    connection: asyncpg.Connection, tables: Sequence[str], selected: Sequence[str]
) -> None:
    """Create indexes, keys, foreign keys, triggers and grants of the selected rebuilt tables."""
    await _execute_generated(
        connection, _FINISH_REBUILT, tables, [name for name in selected if name in tables]
    )


async def swap_tables(connection: asyncpg.Connection, tables: Sequence[str], *, total_timeout: float) -> None:
    """Replace the old tables by the rebuilt ones. Readers wait from here to the commit."""
    statement = await connection.fetchval(_LOCK_FOR_SWAP, tables)
    await acquire_locks(
        connection,
        statement,
        attempt_timeout=0.1,
        total_timeout=total_timeout,
        blocked_by=_COUNT_OLD_SNAPSHOTS,
    )
    await _execute_generated(connection, _SWAP, tables)


async def acquire_locks(
    connection: asyncpg.Connection,
    statement: str,
    *,
    attempt_timeout: float,
    total_timeout: float,
    blocked_by: str | None = None,
) -> None:
    """Acquire all locks of the statement, or raise CatalogImportError after `total_timeout` seconds.

    Each attempt waits at most `attempt_timeout` seconds, then releases all locks and retries. So other
    sessions never queue behind a blocked lock for long, and deadlocks are retried. The query `blocked_by`
    counts obstacles while the locks are held; a count above 0 is retried as well.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + total_timeout
    while loop.time() < deadline:
        attempt = connection.transaction()
        await attempt.start()
        try:
            await connection.execute(f"SET LOCAL lock_timeout = {round(attempt_timeout * 1000)}")
            await connection.execute(statement)
            await connection.execute(_CLEAR_STATS_SNAPSHOT)
            if blocked_by is None or not await connection.fetchval(blocked_by):
                await connection.execute("SET LOCAL lock_timeout = 0")
                await attempt.commit()
                return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            pass
        await attempt.rollback()
        await asyncio.sleep(min(2 * attempt_timeout, 1))
        attempt_timeout = min(2 * attempt_timeout, 2) if blocked_by is None else attempt_timeout
    raise CatalogImportError(
        f"Other transactions have blocked the catalog's locks for {total_timeout:.0f} s: "
        "end them (see pg_stat_activity) or retry later. Nothing was written."
    )


async def _execute_generated(
    connection: asyncpg.Connection, query: str, tables: Sequence[str], *arguments: object
) -> None:
    """Execute every statement that the query generates."""
    for (statement,) in await connection.fetch(query, tables, _SUFFIX, *arguments):
        await connection.execute(statement)


def table_names(rebuilt: Sequence[str]) -> dict[str, str]:
    """Return the name of each table that can be rebuilt, to fill in for placeholders such as {book}.

    It is the name of the rebuilt table if the table is in `rebuilt`, otherwise its own name.
    """
    return {name: f"{name}{_SUFFIX}" if name in rebuilt else name for name in (*BOOK_TABLES, *LISTING_TABLES)}
