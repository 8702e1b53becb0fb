"""What the commands' exit codes mean; 2, for a wrong command line, is Typer's own."""

FAILED = 1
"""It could not be done; the reason is on standard error."""

DIFFERENT = 3
"""It was done, and what was compared differs."""
