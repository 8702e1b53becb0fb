"""The commands a person types. They hold no logic: each reads its options and calls the package.

Exit codes: 0 it was done; 1 it could not be done, with the reason on standard error; 2 the command
line is wrong; 3 it was done, and what it compared differs.
"""

from qldbkit.cli.application import main

__all__ = ["main"]
