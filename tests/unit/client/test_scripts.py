"""What is typed, taken apart into statements."""

import pytest

from qldbkit.cli.sentences import describe
from qldbkit.client.running import ScriptError, parameters_of, run_script
from qldbkit.client.scripts import PendingText, ShellCommand, command_of, format_of
from qldbkit.partiql.errors import PartiqlSyntaxError


def test_a_statement_is_complete_with_its_semicolon():
    pending = PendingText()
    assert pending.add("SELECT *") == []
    assert not pending.empty
    assert pending.add("FROM t; SELECT 1;") == ["SELECT *\nFROM t", "SELECT 1"]
    assert pending.empty


@pytest.mark.parametrize("begun", ["SELECT 'a;", 'SELECT "a;', "SELECT `a;", "/* a;"])
def test_a_semicolon_in_a_quote_or_comment_ends_nothing(begun):
    pending = PendingText()
    assert pending.add(begun) == []
    assert not pending.empty


def test_a_semicolon_before_further_text_waits_for_that():
    pending = PendingText()
    assert pending.add("SELECT 1; SELECT") == []
    assert pending.add("2;") == ["SELECT 1", "SELECT\n2"]


def test_what_cannot_be_a_statement_is_dropped():
    pending = PendingText()
    pending.add("SELECT")
    with pytest.raises(PartiqlSyntaxError):
        pending.add("\x01;")
    assert pending.empty


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("start", ShellCommand.START),
        ("  Start   Transaction ;", ShellCommand.START),
        ("COMMIT;", ShellCommand.COMMIT),
        ("quit", ShellCommand.EXIT),
        ("SELECT 1", None),
        ("startle", None),
    ],
)
def test_the_shells_commands_are_known_with_and_without_semicolon(text, command):
    assert command_of(text) is command


def test_a_format_is_chosen_by_name():
    assert format_of("format JSON;") == "json"
    assert format_of("format") is None
    assert format_of("SELECT format") is None


class Recorder:
    """Stands for a ledger: keeps what it is told."""

    def __init__(self):
        self.told, self.in_transaction = [], False

    def execute(self, statement, parameters=()):
        self.told.append((statement, *parameters))
        return [len(self.told)]

    def start(self):
        self.told.append("start")
        self.in_transaction = True

    def commit(self):
        self.told.append("commit")
        self.in_transaction = False

    def abort(self):
        self.told.append("abort")
        self.in_transaction = False


def test_a_script_runs_in_order_and_gives_every_result():
    runner = Recorder()
    assert list(run_script(runner, "a; start; b; commit; c;")) == [[1], [3], [5]]
    assert runner.told == [("a",), "start", ("b",), "commit", ("c",)]


def test_a_script_may_be_one_transaction():
    runner = Recorder()
    list(run_script(runner, "a; b", in_one=True))
    assert runner.told == ["start", ("a",), ("b",), "commit"]


def test_a_transaction_that_a_script_leaves_open_is_aborted_and_said():
    runner = Recorder()
    with pytest.raises(ScriptError, match="inside a transaction"):
        list(run_script(runner, "start; a"))
    assert runner.told[-1] == "abort"


def test_where_a_script_stopped_is_said():
    class Failing(Recorder):
        def execute(self, statement, parameters=()):
            if statement == "b":
                raise ScriptError("no")
            return super().execute(statement, parameters)

    rows = run_script(Failing(), "a; start; b; c")
    assert next(rows) == [1]
    with pytest.raises(ScriptError) as stopped:
        next(rows)
    assert describe(stopped.value) == "no\nit stopped at statement 3 of 4"
    with pytest.raises(ScriptError) as alone:
        list(run_script(Failing(), "b"))
    assert describe(alone.value) == "no"


@pytest.mark.parametrize("script", ["", " ; ; ", "-- nothing"])
def test_an_empty_script_is_refused(script):
    with pytest.raises(ScriptError, match="no statement"):
        list(run_script(Recorder(), script))


def test_parameters_are_ion_and_go_with_one_statement():
    values = parameters_of(['"text"', "2020-01-01T", "{a:1.50}"])
    runner = Recorder()
    list(run_script(runner, "a ? ? ?", values))
    assert runner.told[0][1] == "text"
    assert str(runner.told[0][3]["a"]) == "1.50"
    with pytest.raises(ScriptError, match="one statement"):
        list(run_script(Recorder(), "a; b", values))
    with pytest.raises(ScriptError, match="Ion text"):
        parameters_of(["{"])
