"""Editing, history and completion of typed lines, by the standard library's readline.

Where Python has none, as on Windows, lines are read without them. Statements over several lines
are one entry of the history, which is why it is kept as a line of JSON for each and not in
readline's own form. It holds what was typed, so that only its owner may read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Final

try:
    import readline as _readline
except ImportError:  # pragma: no cover - not on Unix
    _found: ModuleType | None = None
else:
    _found = _readline

HISTORY_ENTRIES: Final = 1000
_DELIMITERS: Final = " \t\n,;.()[]{}<>=!|+-*/%'\"`?:"
Suggest = Callable[[str, str], list[str]]
"""Of what is typed before a word, and the word: what may stand for it."""


def read_history(file: Path) -> list[str]:
    """The latest statements, oldest first; damaged lines are left out."""
    if not file.is_file():
        return []
    found: list[str] = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[-HISTORY_ENTRIES:]:
        with suppress(json.JSONDecodeError):
            entry = json.loads(line)
            if isinstance(entry, str):
                found.append(entry)
    return found


def write_history(file: Path, entries: list[str]) -> None:
    """Keep the latest statements, for their owner's eyes only.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in entries[-HISTORY_ENTRIES:])
    file.write_text("".join(lines), encoding="utf-8")


class LineEditor:
    """Reads lines from a terminal.

    Args:
        suggest: completes words.
        entries: the history that the arrow keys begin with.
    """

    def __init__(self, suggest: Suggest, entries: list[str]):
        self._suggest = suggest
        self.entries = entries
        self.typed_before = ""
        self._matches: list[str] = []

    def read(self, prompt: str) -> str:
        """One line.

        Raises:
            EOFError: there are no more.
            KeyboardInterrupt: it was given up.
        """
        return input(prompt)

    def remember(self, statement: str) -> None:
        """Add what was typed to the history, unless it repeats the latest."""
        if self.entries and self.entries[-1] == statement:
            return
        self.entries.append(statement)
        if _found is not None:
            _found.add_history(statement)

    def complete(self, word: str, state: int) -> str | None:
        """readline's question for the next of the words that ``word`` may become."""
        assert _found is not None
        if state == 0:
            line = _found.get_line_buffer()[: _found.get_begidx()]
            self._matches = self._suggest(f"{self.typed_before}\n{line}", word)
        return self._matches[state] if state < len(self._matches) else None


@contextmanager
def editing(editor: LineEditor) -> Iterator[None]:
    """Let readline edit lines while the context lasts."""
    if _found is None:  # pragma: no cover - not on Unix
        yield
        return
    before = _found.get_completer(), _found.get_completer_delims()
    _found.set_auto_history(False)
    _found.clear_history()
    for each in editor.entries:
        _found.add_history(each)
    _found.set_completer_delims(_DELIMITERS)
    _found.set_completer(editor.complete)
    # macOS has libedit in readline's place, with commands of its own
    libedit = "libedit" in (_found.__doc__ or "")
    _found.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    try:
        yield
    finally:
        _found.set_completer(before[0])
        _found.set_completer_delims(before[1])
        _found.set_auto_history(True)
