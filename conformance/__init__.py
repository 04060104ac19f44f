"""Conformance: run graphql-core's own query tests through plans. `make conformance` runs them."""
