"""Writes of the API: what a mutation changes, in few set-based statements of one transaction.

Each function takes a session in which a step has begun, and returns what it wrote. It raises
WriteRejectedError with a fault for each invalid value; the step is then undone, so nothing of it is written.
"""
