"""What the embedded PostgreSQL is made of: an account, programs, a folder, a process, a dialogue."""
