"""A journal's documents, their history and the journal itself in PostgreSQL."""
