"""Execution: parse, validate and compile each operation once, then run its plan or graphql-core."""
