"""What clients see: Strawberry types, loaders, execution and HTTP. SQL stands in `db` alone."""
