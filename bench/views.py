"""How fast a view is restored from a kept journal, and follows a stream; one program for each kind.

python bench/views.py --kind postgresql [--revisions 20000] [--baseline 1000]
"""

from __future__ import annotations

import argparse
from importlib import import_module

KINDS = ("postgresql", "dynamodb", "opensearch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--kind", choices=KINDS, required=True)
    given, rest = parser.parse_known_args()
    import_module(f"views_{given.kind}").main(rest)


if __name__ == "__main__":
    main()
