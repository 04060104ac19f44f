"""Benchmarks beyond one machine: clusters of PostgreSQL, and servers in front of them."""
