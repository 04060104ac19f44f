"""The statements of the audit: each answers the first five wrong rows, with the number of all."""
