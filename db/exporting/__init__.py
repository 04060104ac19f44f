"""Export: the books of a source as files that `bookstore import` reads without a change."""
