"""The PartiQL shell as a person uses it, through a pseudo-terminal, on a ledger over HTTP."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

import pytest

PATIENCE = 30.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def as_a_terminal_starts_it():
    """Let Ctrl-C interrupt: also where the tests run in the background, which ignores SIGINT."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A shell in a terminal of its own, typed at and read from."""

    def __init__(self, environment, *options):
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qldbkit.cli", "query", "orders", *options],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
            preexec_fn=as_a_terminal_starts_it,  # noqa: PLW1509
        )
        os.close(slave)
        self._seen = ""

    def type(self, keys):
        os.write(self._master, keys.encode())

    def came(self, text, patience):
        """Read until a text has come; False if it does not within so many seconds."""
        deadline = time.monotonic() + patience
        while text not in self._seen:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._master], [], [], left)[0]:
                return False
            self._seen += ESCAPES.sub("", os.read(self._master, 65536).decode(errors="replace"))
        return True

    def until(self, text):
        """Read until a text has come, and return what came with it since the last one."""
        assert self.came(text, PATIENCE), f"{text!r} did not come, but {self._seen!r}"
        found, _, self._seen = self._seen.partition(text)
        return found + text

    def interrupt(self, prompt):
        """Press Ctrl-C, and once more where the first was missed.

        Python's readline does not notice one that comes after the prompt is shown and before it
        waits for keys, as no person presses it; the next one ends the wait for both.
        """
        self.type("\x03")
        if not self.came(prompt, 3.0):
            self.type("\x03")
        self.until(prompt)

    def enter(self, line, prompt="orders> "):
        """Type a line and return what is answered, up to the next prompt."""
        self.type(line + "\n")
        return self.until("\n" + prompt)

    def wait(self):
        return self._process.wait(PATIENCE)

    def close(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)


@pytest.fixture
def environment(user, tmp_path):
    user.create()
    return {
        **os.environ,
        "TERM": "xterm",
        "NO_COLOR": "1",
        "INPUTRC": "/dev/null",
        "QLDBKIT_FOLDER": str(tmp_path / "state"),
        "LEDGER_ENDPOINT_URL": user.server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


@pytest.fixture
def open_shell(environment):
    opened = []

    def open_(*options):
        opened.append(Terminal(environment, *options))
        opened[-1].until("orders> ")
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def run(environment):
    def run_(*arguments, code=0, given=None):
        done = subprocess.run(
            [sys.executable, "-m", "qldbkit.cli", *arguments],
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stderr

    return run_


def test_statements_of_several_lines_run_when_their_semicolon_comes(open_shell):
    shell = open_shell()
    assert "1 row" in shell.enter("CREATE TABLE Car;")
    shell.enter("INSERT INTO Car", prompt="     -> ")
    assert "documentId" in shell.enter("VALUE {'VIN': 'a;b', 'Doors': 3};")
    assert '"a;b"' in shell.enter("SELECT * FROM Car;")
    shell.type("exit\n")
    assert shell.wait() == 0


def test_a_transaction_is_committed_or_aborted_by_the_person(open_shell, user):
    shell = open_shell("--json")
    shell.enter("CREATE TABLE Car;")
    assert "transaction " in shell.enter("start", prompt="orders*> ")
    shell.enter("INSERT INTO Car VALUE {'n': 1};", prompt="orders*> ")
    with user.driver() as other:
        assert list(other.execute_lambda(lambda t: t.execute_statement("SELECT * FROM Car"))) == []
    assert "committed" in shell.enter("commit")
    shell.enter("begin", prompt="orders*> ")
    shell.enter("DELETE FROM Car;", prompt="orders*> ")
    assert "aborted" in shell.enter("abort")
    assert '{"n":1}' in shell.enter("SELECT * FROM Car;")
    assert "no transaction is open" in shell.enter("commit")


def test_a_failing_statement_ends_the_transaction_and_the_shell_goes_on(open_shell):
    shell = open_shell()
    shell.enter("start", prompt="orders*> ")
    said = shell.enter("SELECT * FROM Nothing;")
    assert "the transaction was aborted" in said
    assert "error: " in said
    assert "Nothing" in said
    assert "Traceback" not in said
    assert "1 row" in shell.enter("CREATE TABLE Car;")


def test_leaving_aborts_what_was_not_committed(open_shell, user):
    shell = open_shell()
    shell.enter("CREATE TABLE Car;")
    shell.enter("start", prompt="orders*> ")
    shell.enter("INSERT INTO Car VALUE {'n': 1};", prompt="orders*> ")
    shell.type("\x04")
    shell.until("the open transaction was aborted")
    assert shell.wait() == 0
    with user.driver() as other:
        assert list(other.execute_lambda(lambda t: t.execute_statement("SELECT * FROM Car"))) == []


def test_tab_completes_keywords_tables_and_fields(open_shell):
    shell = open_shell("--json")
    shell.enter("CREATE TABLE VehicleRegistration;")
    shell.enter("INSERT INTO VehicleRegistration VALUE {'LicensePlate': 'X1'};")
    shell.type("SELE\t * FROM Veh\t AS v WHERE v.Lic\t = 'X1';\n")
    assert '{"LicensePlate":"X1"}' in shell.until("1 row")


def test_completing_leaves_no_block_in_the_journal(open_shell, user):
    shell = open_shell()
    shell.enter("CREATE TABLE Car;")
    before = user.client("qldb").get_digest(Name="orders")["DigestTipAddress"]
    shell.type("SELECT * FROM C\t")
    shell.until("Car")
    assert user.client("qldb").get_digest(Name="orders")["DigestTipAddress"] == before


def test_the_history_comes_back_in_the_next_shell(open_shell):
    first = open_shell()
    first.enter("CREATE TABLE", prompt="     -> ")
    first.enter("Car;")
    first.type("exit\n")
    assert first.wait() == 0
    second = open_shell()
    second.type("\x1b[A\x1b[A")  # past "exit"
    second.until("Car;")
    assert "already exists" in second.enter("")


def test_an_interrupt_drops_what_is_typed_and_nothing_else(open_shell):
    shell = open_shell()
    shell.enter("SELECT", prompt="     -> ")
    shell.interrupt("orders> ")
    assert "1 row" in shell.enter("CREATE TABLE Car;")


def test_an_interrupted_statement_leaves_no_transaction_behind(open_shell):
    shell = open_shell()
    shell.enter("CREATE TABLE Car;")
    shell.enter(f"INSERT INTO Car << {', '.join(str({'n': each}) for each in range(20))} >>;")
    echoed = "Car f;"
    shell.type(f"SELECT a.n FROM Car a, Car b, Car c, Car d, Car e, {echoed}\n")
    shell.until(echoed)
    time.sleep(1)  # for as long its pages come, and for many seconds more
    shell.type("\x03")
    assert "interrupted" in shell.until("\norders> ")
    assert "1 row" in shell.enter("SELECT VALUE n FROM Car WHERE n = 3;")


def test_formats_are_chosen_while_it_runs(open_shell):
    shell = open_shell()
    shell.enter("CREATE TABLE Car;")
    shell.enter("INSERT INTO Car VALUE {'n': 1};")
    shell.enter("format json")
    assert '{"n":1}' in shell.enter("SELECT * FROM Car;")
    shell.enter("format table;")
    assert "━" in shell.enter("SELECT * FROM Car;")
    assert "there is no format xml" in shell.enter("format xml")
    assert "Car" in shell.enter("tables")


def test_scripts_come_from_the_command_line_a_file_and_standard_input(run, tmp_path):
    run("query", "orders", "CREATE TABLE Car; CREATE INDEX ON Car (VIN)")
    script = tmp_path / "cars.partiql"
    script.write_text("INSERT INTO Car VALUE {'VIN': '1'};\n-- the second; one\n"
                      "INSERT INTO Car VALUE {'VIN': '2'};\n")  # fmt: skip
    assert run("query", "orders", "--file", str(script)).count("documentId") == 2
    found = run("query", "orders", "--json", given="SELECT * FROM Car WHERE VIN = '2';")
    assert json.loads(found) == {"VIN": "2"}
    assert run("query", "orders", "--file", "-", given="SELECT 1 FROM Car").count("_1:1") == 2
    given = run("query", "orders", "SELECT VALUE VIN FROM Car WHERE VIN = ?", "--parameter", '"1"')
    assert given == '"1"\n'


def test_a_script_in_one_transaction_commits_all_or_nothing(run):
    run("query", "orders", "CREATE TABLE Car")
    both = "INSERT INTO Car VALUE {'n': 1}; SELECT * FROM Nothing"
    assert "Nothing" in run("query", "orders", both, "--transaction", code=1)
    assert run("query", "orders", "SELECT * FROM Car") == ""
    run("query", "orders", "INSERT INTO Car VALUE {'n': 1}; SELECT 1 FROM Car", "--transaction")
    assert run("query", "orders", "SELECT * FROM Car") == "{n:1}\n"


def test_ledgers_tables_and_history_are_told(run):
    assert [each["name"] for each in json.loads(run("ledgers", "--json"))] == ["orders"]
    made = json.loads(run("ledgers", "--create", "returns", "--json"))
    assert [(each["name"], each["state"]) for each in made] == [
        ("orders", "ACTIVE"),
        ("returns", "ACTIVE"),
    ]
    assert "already exists" in run("ledgers", "--create", "returns", code=1)
    assert "cannot name a ledger" in run("ledgers", "--create", "no name", code=1)
    run("query", "orders", "CREATE TABLE Car; CREATE INDEX ON Car (VIN)")
    (table,) = json.loads(run("tables", "orders", "--json"))
    assert (table["name"], table["active"], table["indexes"]) == ("Car", True, ["VIN"])
    inserted = run("query", "orders", "INSERT INTO Car VALUE {'VIN': '1'}", "--json")
    document = json.loads(inserted)["documentId"]
    run("query", "orders", "UPDATE Car SET Color = 'red'; DELETE FROM Car")
    found = json.loads(run("history", "orders", "Car", document, "--json"))
    assert [each["kind"] for each in found["versions"]] == ["created", "changed", "deleted"]
    assert found["versions"][1]["changes"] == [{"path": "Color", "before": None, "after": '"red"'}]
    assert "+ Color" in run("history", "orders", "Car")
    assert not json.loads(run("history", "orders", "Car", "--limit", "2", "--json"))["complete"]
    assert "no document" in run("history", "orders", "Car", "nobody", code=1)


@pytest.mark.parametrize("form", ["ion-text", "ion-binary", "json"])
def test_an_export_and_a_digest_prove_the_ledger(run, tmp_path, form):
    run("query", "orders", "CREATE TABLE Car; INSERT INTO Car VALUE {'VIN': '1'}")
    digest, folder = tmp_path / "digest.json", tmp_path / "export"
    run("digest", "orders", "--save", str(digest))
    report = json.loads(run("export", "orders", str(folder), "--format", form, "--json"))
    assert (report["blocks"], report["revisions"]) == (3, 1)
    assert report["digest"] == json.loads(digest.read_text())["Digest"]
    verified = json.loads(run("verify", str(folder), "--digest", str(digest), "--json"))
    assert verified["proven"]
    assert "not empty" in run("export", "orders", str(folder), code=1)


def test_an_export_goes_to_s3(run, user, aws, environment):
    import boto3

    run("query", "orders", "CREATE TABLE Car")
    session = boto3.Session("test", "test", region_name="us-east-1")
    session.client("s3", endpoint_url=aws).create_bucket(Bucket="kept")
    environment |= {"AWS_ENDPOINT_URL_S3": aws, "AWS_DEFAULT_REGION": "us-east-1"}
    run("export", "orders", "s3://kept/journal", "--json")
    assert json.loads(run("verify", "s3://kept/journal", "--json"))["proven"]


def test_what_is_not_there_is_said_in_a_sentence(run):
    for command in (["query", "nobody", "SELECT 1"], ["tables", "nobody"], ["digest", "nobody"]):
        assert "nobody" in run(*command, code=1)
    away = ("--endpoint-url", "http://127.0.0.1:9")
    assert "qldbkit serve" in run("ledgers", *away, code=1)


def test_what_a_query_prints_can_be_imported(run, tmp_path):
    documents = "<< {'n': 1.50, 't': `2020-01-01T`}, {'n': `1e0`, 'name': 'Ada'} >>"
    run("query", "orders", f"CREATE TABLE Car; INSERT INTO Car {documents}")
    cars = tmp_path / "cars.ion"
    cars.write_text(run("query", "orders", "SELECT * FROM Car"))
    report = json.loads(run("import", "orders", "Copy", str(cars), "--create", "--json"))
    assert report == {"table": "Copy", "documents": 2, "skipped": 0, "transactions": 1}
    assert run("query", "orders", "SELECT * FROM Copy") == cars.read_text()


def test_an_import_reads_standard_input_and_says_where_it_ended(run):
    lines = "".join(f'{{"n": {each}}}\n' for each in range(60))
    assert "60 documents" in run("import", "orders", "Car", "-", "--dry-run", given=lines)
    assert "--create" in run("import", "orders", "Car", "-", given=lines, code=1)
    said = run("import", "orders", "Car", "-", "--create", given=f"{lines}oh no\n", code=1)
    assert "document 61, line 61" in said
    assert "hint: 40 documents were imported: go on with --skip 40\n" in said
    run("import", "orders", "Car", "-", "--skip", "40", given=lines)
    assert run("query", "orders", "SELECT COUNT(*) AS n FROM Car") == "{n:60}\n"
