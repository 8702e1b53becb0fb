"""What a ledger wrote: Ion records, blocks, hashes and proofs, and the readers of them."""
