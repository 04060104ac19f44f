"""The statements of the audit: each returns the first five wrong rows, with the number of all."""
