"""Connections to PostgreSQL: addresses, the pool and its supervisor, and the sessions of requests."""
