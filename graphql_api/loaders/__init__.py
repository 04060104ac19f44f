"""DataLoaders of one request, which batch and cache the reads of resolvers."""
