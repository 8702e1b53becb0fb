"""The deployed stacks on one machine: a local AWS with the embedded ledger as its QLDB."""
