"""What a new user gets wrong is said in one sentence, with what to do, and never a stack trace."""

import pytest

from qldbkit.cli import main
from qldbkit.ledger.server import running_server

NOBODY = ("--endpoint-url", "http://127.0.0.1:9")
FOLDER = "give a folder, a file"


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Runs a command line in a folder with a few files, and gives its exit code and its words."""
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_ENDPOINT_URL", "LEDGER_ENDPOINT_URL", "AWS_PROFILE", "QLDBKIT_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("QLDBKIT_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("nonsense")
    (tmp_path / "object.json").write_text('{"x": 1}')

    def said_(*arguments):
        monkeypatch.setattr("sys.argv", ["qldbkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        words = capsys.readouterr().err
        assert "Traceback" not in words
        return ended.value.code, words

    return said_


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        (("verify", "./nothing"), "there is no file or folder nothing", FOLDER),
        (("verify", "nobody"), "no ledger of that name in", FOLDER),
        (("verify", "empty"), "it is empty", "holds the manifests"),
        (("verify", "text"), "none of its 1 objects is one", "holds the manifests"),
        (("verify", "empty", "--digest", "text"), "not JSON: Expecting value", "(at text)"),
        (("verify", "empty", "--digest", "object.json"), "no member 'x'", "(at object.json)"),
        (("restore", "./nothing", "--into", "x"), "no file or folder nothing", FOLDER),
        (("restore", "empty", "--into", "two words"), "it is empty", "manifests"),
        (("query", "no name!", "SELECT 1", *NOBODY), "cannot name a ledger", "use 1 to 32"),
        (("query", "x", "SELECT 1", *NOBODY), "127.0.0.1:9", "start `qldbkit serve`"),
        (("query", "x", "SELECT ?", *NOBODY, "--parameter", "{a:"), "not Ion text", "write a str"),
        (("ledgers", "--endpoint-url", "nonsense"), "no address of a ledger", "127.0.0.1:8080"),
        (("ledgers", "--endpoint-url", "http://h:x"), "no address of a ledger", "127.0.0.1:8080"),
        (("import", "x", "T", "text", *NOBODY), "127.0.0.1:9", "start `qldbkit serve`"),
        (("import", "x", "T", "text", "--dry-run"), "a document is a struct", "document 1, line 1"),
        (("status", "--ledger", "x"), "no settling buffer is named", "--buffer"),
        (("serve", "--host", "0.0.0.0"), "reached from other machines", "--auth"),
        (("serve", "--auth", "nothing"), "nothing cannot be read: No such file", ""),
        (("serve", "--auth", "text"), "text is not JSON", ""),
        (("serve", "--folder", "text"), "text: it is there already", ""),
        (("local", "--port", "0"), "'0' is no TCP port", "1 to 65535"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_cannot_be_done_is_a_sentence_with_a_hint(said, arguments, sentence, hint):
    code, words = said(*arguments)
    assert code == 1
    assert words.startswith("qldbkit: ")
    assert sentence in words
    assert hint in words
    assert len(words.strip().splitlines()) <= 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serv",), "Did you mean 'serve'?"),
        (("verify",), "Missing argument"),
        (("verify", "empty", "--digest", "nothing"), "'nothing' does not exist"),
        (("restore", "empty"), "say --into"),
        (("restore", "empty", "--into", "x", "--until", "soon"), "neither a sequence number nor"),
        (("import", "x", "T", "nothing"), "'nothing': No such file or directory"),
        (("query", "x", "SELECT 1", "--file", "text"), "not both"),
        (("serve", "--port", "99999"), "less than or equal to 65535"),
        (("serve", "--ledger-dialect", "x"), "not NAME=full or NAME=qldb"),
        (("compare", "one"), "Missing argument"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_wrong_command_line_has_its_own_code_and_says_what_is_wrong(said, arguments, sentence):
    code, words = said(*arguments)
    assert code == 2
    assert sentence in words


def test_an_address_for_aws_that_is_none_is_said_so(said, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    code, words = said("status")
    assert code == 1
    assert "Invalid endpoint: nonsense" in words
    assert "AWS_ENDPOINT_URL" in words


def test_a_server_of_ledgers_that_is_asked_for_a_stack_is_said_so(said, monkeypatch, tmp_path):
    with running_server(tmp_path / "ledgers") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        code, words = said("status", "--stack", "X")
    assert code == 1
    assert "not the service that was asked" in words
    assert "qldbkit local" in words


def test_a_disk_that_is_full_is_said_so(said, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qldbkit.cli.exporting.digest_answer", full)
    assert said("digest", "x", *NOBODY) == (1, "qldbkit: No space left on device\n")


def test_a_defect_is_not_taken_for_something_that_the_user_did(monkeypatch):
    def broken(*_):
        raise KeyError("a defect")

    monkeypatch.setattr("qldbkit.cli.exporting.digest_answer", broken)
    monkeypatch.setattr("sys.argv", ["qldbkit", "digest", "x", *NOBODY])
    with pytest.raises(KeyError):
        main()
