"""docs/cost.md has the figures that its own prices and assumptions come to."""

import re
from dataclasses import replace
from random import Random

import cost
import pytest
from cost import Load, Stacks, monthly, prices, quantities, rows
from generate_journal import blocks, records
from simulation.delivery import kinesis_event

from qldbkit.replay.applier import Applier, ReplayPolicy
from qldbkit.replay.buffer import MemoryBuffer
from qldbkit.replay.memory_destination import MemoryDestination

TEXT = cost.PAGE.read_text()
SIZES = [Load(1), Load(100), Load(1000)]


def test_the_table_is_what_the_calculation_says():
    for row in rows(SIZES, prices()):
        assert f"| {' | '.join(row)} |" in TEXT


def test_the_price_list_has_every_price_that_is_asked_for_and_no_other():
    asked = {name for each in SIZES for _, name, _ in quantities(each, Stacks())}
    assert asked == prices().keys()


def test_a_month_by_hand():
    """Kinesis at one revision a second: a shard, its longer retention, and 0.4 records a second."""
    by_hand = 730 * 0.015 + 730 * 0.020 + 0.4 * 730 * 3600 / 1e6 * 0.014
    assert monthly(Load(1), prices(), Stacks())["Kinesis"] == pytest.approx(by_hand)


def test_what_is_assumed_is_on_the_page():
    load = Load(1)
    for said in (
        f"{load.revision_bytes:,} bytes",
        f"{load.revisions_of_block} to a block",
        f"filled for {load.packed_seconds} s, or up to {load.packed_bytes // 1024} KB",
        f"{load.call_seconds * 1000:.0f} ms, and {load.revision_seconds * 1000:.0f} ms for each",
        f"{Stacks().memory_mb:,} MB",
        f"{cost.CLOCK_SECONDS * 1000:.0f} ms each minute",
        f"each as {load.kept_units} units",
        f"{load.line_bytes:,} bytes",
    ):
        assert said in TEXT
    assert load.headroom == 2 and "for twice the load" in TEXT


def test_a_revision_has_the_size_that_is_assumed():
    journal = list(blocks(2000, seed=3))
    sent = list(records(journal))
    assert sum(map(len, sent)) / 2000 == pytest.approx(Load(1).revision_bytes, rel=0.02)
    assert 2000 / len(journal) == pytest.approx(Load(1).revisions_of_block, rel=0.05)


def test_what_waits_of_three_shards_is_as_much_as_is_assumed():
    """Of each second's records, each shard delivers its third in a batch of its own."""
    kept, buffer, chance = [], MemoryBuffer(), Random(1)
    put, journal = buffer.put, list(blocks(2000, seed=3))
    buffer.put = lambda each: (kept.extend(each), put(each))
    applier = Applier(MemoryDestination(), buffer, lambda: 0.0, ReplayPolicy(settle_window=120.0))
    for second in range(0, len(journal), 200):
        batches = [[], [], []]
        for record in records(journal[second : second + 200]):
            chance.choice(batches).append(("key", record))
        for batch in batches:
            applier.handle(kinesis_event(batch))
    keys = 150  # bytes of an item besides its records
    units = sum(-(-(sum(map(len, each.records)) + keys) // 1024) for each in kept)
    assert units / 2000 == pytest.approx(Load(1).kept_units * (1 - 1 / 3), rel=0.1)


def test_a_slower_destination_costs_in_proportion():
    slow = replace(Load(100), revision_seconds=2 * Load(100).revision_seconds)
    said = [monthly(each, prices(), Stacks())["Lambda"] for each in (Load(100), slow)]
    assert 1.5 < said[1] / said[0] < 2


def test_the_page_says_when_its_prices_are_from():
    assert re.search(r"first half of 20\d\d", TEXT)
