"""A page that shows the ledgers of a server: documents, histories, the journal and its proofs."""
