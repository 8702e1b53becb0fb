"""Random transactions, several at once, against the simplest ledger that could be right."""

import copy
import random
from itertools import pairwise

import pytest

from qldbkit.journal.integrity import verify_block, verify_link
from qldbkit.ledger.errors import OccConflictError
from qldbkit.ledger.ledger import Ledger

NAMES = "abcdef"
ANY = "any name"


class Model:
    """Two tables as dictionaries, and what each commit wrote."""

    def __init__(self):
        self.tables = {"Person": {}, "Pet": {}}
        self.log = []

    def commit(self, view):
        for (table, id_), document in view.written.items():
            if document is None:
                self.tables[table].pop(id_, None)
            else:
                self.tables[table][id_] = document
        self.log.append(view.changed())


class View:
    """A transaction of the model: a copy of everything, what it read and what it wrote."""

    def __init__(self, model):
        self.model, self.begun = model, len(model.log)
        self.before = copy.deepcopy(model.tables)
        self.tables = copy.deepcopy(model.tables)
        self.read, self.written = set(), {}

    def write(self, table, id_, document):
        if document is None:
            del self.tables[table][id_]
        else:
            self.tables[table][id_] = document
        self.written[table, id_] = document

    def changed(self):
        """The names under which documents were found before, or are found now."""
        return {
            (table, document["name"])
            for (table, id_), after in self.written.items()
            for document in (self.before[table].get(id_), after)
            if document is not None
        }

    def conflicts(self):
        """Whether others wrote what was read: one name through the index, or a whole table."""
        others = set().union(*self.model.log[self.begun :])
        return any(
            table == read_table and read_name in (ANY, name)
            for table, name in others
            for read_table, read_name in self.read
        )


def canonical(documents):
    return sorted((each["name"], each["n"]) for each in documents)


def step(rng, run, transaction, view):
    """One random statement, on the ledger and on the model, with the same result."""
    table, name = rng.choice(["Person", "Pet"]), rng.choice(NAMES)
    documents = view.tables[table]
    matching = {id_: each for id_, each in documents.items() if each["name"] == name}
    kind = rng.choice(["lookup", "scan", "insert", "update", "rename", "delete"])
    if kind == "insert":
        document = {"name": name, "n": rng.randrange(100)}
        (row,) = run(transaction, f"INSERT INTO {table} ?", document)
        view.write(table, row["documentId"], document)
        return
    # Only Person has an index on name: in Pet every condition is a scan.
    view.read.add((table, name if table == "Person" and kind != "scan" else ANY))
    if kind == "scan":
        assert canonical(run(transaction, f"SELECT * FROM {table}")) == canonical(
            documents.values()
        )
    elif kind == "lookup":
        found = run(transaction, f"SELECT * FROM {table} AS t WHERE t.name = ?", name)
        assert canonical(found) == canonical(matching.values())
    else:
        change(rng, run, transaction, view, kind, table, name, matching)


def change(rng, run, transaction, view, kind, table, name, matching):
    other = rng.choice(NAMES)
    statement, parameters = {
        "update": (f"UPDATE {table} AS t SET t.n = t.n + 1 WHERE t.name = ?", [name]),
        "rename": (f"UPDATE {table} AS t SET t.name = ? WHERE t.name = ?", [other, name]),
        "delete": (f"DELETE FROM {table} AS t WHERE t.name = ?", [name]),
    }[kind]
    found = run(transaction, statement, *parameters)
    assert sorted(row["documentId"] for row in found) == sorted(matching)
    for id_, document in matching.items():
        if kind == "delete":
            view.write(table, id_, None)
        elif kind == "rename":
            view.write(table, id_, {**document, "name": other})
        else:
            view.write(table, id_, {**document, "n": document["n"] + 1})


@pytest.mark.parametrize("seed", range(12))
def test_random_transactions(people, run, commit, do, seed, tmp_path):
    rng = random.Random(seed)
    model, running, refused = Model(), [], 0
    for _ in range(200):
        if len(running) < 3 and rng.random() < 0.4:
            running.append((people.begin(), View(model)))
        if not running:
            continue
        position = rng.randrange(len(running))
        transaction, view = running[position]
        if rng.random() < 0.7:
            step(rng, run, transaction, view)
            continue
        del running[position]
        if rng.random() < 0.2:
            transaction.abort()
        elif view.conflicts():
            refused += 1
            with pytest.raises(OccConflictError):
                commit(transaction)
        else:
            commit(transaction)
            model.commit(view)
    assert len(model.log) > 10
    assert refused > 0
    check_state(people, do, model)
    again = Ledger.create(
        tmp_path / "again.sqlite", "Again", strand_id=people.strand_id, genesis=False
    )
    again.append(list(people.blocks()))
    check_state(again, do, model)
    again.close()


def check_state(ledger, do, model):
    """The documents, through scan and index, are the model's; the journal verifies."""
    for table, documents in model.tables.items():
        assert canonical(do(ledger, f"SELECT * FROM {table}")) == canonical(documents.values())
        for name in NAMES:
            found = do(ledger, f"SELECT * FROM {table} AS t WHERE t.name = ?", name)
            matching = [each for each in documents.values() if each["name"] == name]
            assert canonical(found) == canonical(matching)
    blocks = list(ledger.blocks())
    for block in blocks:
        verify_block(block)
    for before, after in pairwise(blocks):
        verify_link(before.address, before.summary.block_hash, after.summary)
