"""The embedded ledger: PartiQL transactions, a verifiable journal, and QLDB's two APIs."""
