"""Execution: operations are parsed, validated and compiled once, and run as plans or by stock execution."""
