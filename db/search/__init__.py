"""Search: what a person typed, filters, counts, facets and suggestions."""
