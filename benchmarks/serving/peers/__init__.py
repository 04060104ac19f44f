"""The servers that are measured. Each reads DATABASE_URL and PORT and answers POST /graphql on 127.0.0.1."""
