"""Views of a journal: its documents in a database that its readers query in their own way."""
