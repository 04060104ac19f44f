"""Search: text queries, filters, filtered pages and counts, facets and suggestions."""
