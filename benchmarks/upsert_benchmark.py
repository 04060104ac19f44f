"""Measure upsertBooks beside an import of the same rows, one in a hundred of them wrong.

    python -m benchmarks.upsert_benchmark --books 10000

Uses DATABASE_URL's server, or else an embedded server, with temporary databases.
"""
