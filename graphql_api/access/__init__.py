"""Access: roles, principals and keys. It answers what the client of a request may use."""
