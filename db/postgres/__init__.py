"""The parts of the embedded PostgreSQL: account, programs, cluster folder, process and socket probe."""
