"""PostgreSQL: every SQL statement, typed functions around them, the embedded server and the import."""
