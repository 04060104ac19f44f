"""Statements of these tests that read no table."""

from db.statements import ReadStatement

ONE = ReadStatement("one", "SELECT 1")
PID = ReadStatement("pid", "SELECT pg_backend_pid()")
SLEEP = ReadStatement("sleep", "SELECT pg_sleep(3600)")
NOWHERE = ReadStatement("nowhere", "SELECT 1 FROM nowhere")
INTEGER = ReadStatement("integer", "SELECT $1::integer")
