"""What a person asks of a ledger through its API: queries, tables, history, digest, exports."""
