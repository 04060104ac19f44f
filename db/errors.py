"""The errors of the catalog, as one tree.

CatalogError
├── EmbeddedError                      the embedded PostgreSQL cannot be started or reached
├── DatabaseError                      the database cannot be used as it is
│   ├── DatabaseUnavailableError       PostgreSQL cannot be reached or rejects work for now: retry
│   │   └── PoolExhaustedError         no connection was released in time
│   ├── StatementTimeoutError          a statement took longer than its limit
│   └── UnknownOutcomeError            a commit was sent, and no answer came
├── AccessKeyError                     an access key cannot be created or revoked
├── CatalogImportError                 a delivery is refused before anything is written
└── CatalogExportError                 an export cannot be written

Each message is one line for a person. It says what is wrong and what to do.
"""


class CatalogError(Exception):
    """The catalog could not do what it was asked to do."""


class EmbeddedError(CatalogError):
    """The embedded PostgreSQL cannot be started, reached or stopped."""


class DatabaseError(CatalogError):
    """The database cannot be used as it is: absent, not migrated, or without a needed extension."""


class DatabaseUnavailableError(DatabaseError):
    """PostgreSQL cannot be reached or rejects work for now. A retry may help."""


class PoolExhaustedError(DatabaseUnavailableError):
    """All connections of the pool are in use, and none was released in time."""


class StatementTimeoutError(DatabaseError):
    """A statement took longer than its limit."""


class UnknownOutcomeError(DatabaseError):
    """The connection was lost during a commit, so that nobody knows whether the changes were written."""


class AccessKeyError(CatalogError):
    """An access key cannot be created or revoked. Nothing was changed."""


class CatalogImportError(CatalogError):
    """A delivery is refused as a whole. Nothing of it was written."""


class CatalogExportError(CatalogError):
    """An export cannot be written. An earlier file of the same name is as it was."""
