"""Conformance: graphql-core's own tests of queries, answered by plans. `make conformance` runs them."""
