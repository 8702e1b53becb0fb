"""``python -m qldbkit.cli``: the command line without its script."""

from qldbkit.cli import main

main()
