"""The `bookstore` command."""
