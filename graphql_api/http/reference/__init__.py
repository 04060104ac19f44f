"""The reference of the schema: a page that is generated from the schema of a role, and needs no script."""
