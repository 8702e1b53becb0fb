"""Stream, archive, replay and restore Amazon QLDB journals; an embedded ledger with QLDB's API."""
