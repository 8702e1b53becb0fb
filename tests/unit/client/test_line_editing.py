"""The shell's history on disk."""

import stat

from qldbkit.client.line_editing import HISTORY_ENTRIES, LineEditor, read_history, write_history


def test_statements_of_several_lines_come_back_whole(tmp_path):
    file = tmp_path / "new" / "history"
    write_history(file, ["SELECT 1;", "SELECT 'ü'\nFROM t;"])
    assert read_history(file) == ["SELECT 1;", "SELECT 'ü'\nFROM t;"]


def test_only_the_owner_may_read_what_was_typed(tmp_path):
    write_history(tmp_path / "history", ["SELECT 1;"])
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o600


def test_the_history_is_bounded_and_survives_damage(tmp_path):
    file = tmp_path / "history"
    write_history(file, [str(each) for each in range(HISTORY_ENTRIES + 5)])
    assert read_history(file)[0] == "5"
    with file.open("a") as out:
        out.write("{broken\n3\n")
    assert read_history(file)[-1] == str(HISTORY_ENTRIES + 4)
    assert read_history(tmp_path / "none") == []


def test_what_is_repeated_is_kept_once():
    editor = LineEditor(lambda _typed, _word: [], [])
    for each in ("a;", "a;", "b;", "a;"):
        editor.remember(each)
    assert editor.entries == ["a;", "b;", "a;"]
