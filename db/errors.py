"""What can go wrong below GraphQL, as one tree of exceptions.

CatalogError
├── EmbeddedError      the embedded PostgreSQL cannot be started or reached
├── DatabaseError      the database cannot be used as it is
│   ├── Unavailable    PostgreSQL cannot be reached or refuses work for now: try again
│   └── TimedOut       a read took longer than it may
└── ImportFailed       a delivery is refused before anything is written

Each message says what is wrong and what to do, in one line meant for a person.
"""


class CatalogError(Exception):
    """The catalog could not do what was asked of it."""


class EmbeddedError(CatalogError):
    """The embedded PostgreSQL cannot be started, reached or stopped."""


class DatabaseError(CatalogError):
    """The database cannot be used as it is: absent, not migrated, or without a needed extension."""


class Unavailable(DatabaseError):
    """PostgreSQL cannot be reached, or refuses to work for the moment; trying again may help."""


class TimedOut(DatabaseError):
    """A statement took longer than it may."""


class ImportFailed(CatalogError):
    """A delivery is refused as a whole; nothing of it was written."""
