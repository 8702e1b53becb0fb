"""What the commands' exit codes mean; 2, for a wrong command line, is Typer's own."""

FAILED = 1
"""It could not be done; the reason is on standard error."""

DIFFERENT = 3
"""It was done, and what was compared differs."""

COMPARED_DIFFERENT = 1
"""What `qldbkit compare` compared differs; as `cmp` and `diff` have it."""

COMPARISON_FAILED = 2
"""`qldbkit compare` could not be done, or was given a wrong command line; as `cmp` has it."""
