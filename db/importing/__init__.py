"""Import feeds into the catalog.

A feed is all rows of one import: one or more files, or one table, from one source. Readers parse a feed into
records. Staging copies the records into temporary tables. Checks reject invalid rows, and the merge upserts
the others.
"""
