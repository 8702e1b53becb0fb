"""Which index has which table, and what a URL of a view says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.errors import QldbkitError
from qldbkit.names import TABLE_NAME
from qldbkit.replay.views.opening import ViewUrlError, open_view
from qldbkit.replay.views.opensearch.names import (
    ViewNameError,
    bookkeeping_index,
    escaped,
    table_alias,
    table_index,
    table_of_index,
    table_pattern,
    unescaped,
)
from qldbkit.replay.views.opensearch.schema import Layout
from qldbkit.replay.views.opensearch.url import ViewAddress

TABLES = st.from_regex(TABLE_NAME, fullmatch=True)
REFUSED = re.compile(r'[A-Z\\/*?"<>| ,#:]')
"""What OpenSearch allows in no index's name."""


@given(TABLES)
def test_any_table_has_an_index_of_its_own(table: str) -> None:
    index = table_index("v" * 30, table, 999999)
    assert unescaped(escaped(table)) == table == table_of_index(index)
    assert REFUSED.search(index) is None
    assert len(index) <= 255


@pytest.mark.parametrize("table", ["A" * 128, "Aa" * 64, "AAa" * 42 + "AA", "A_" * 64, "_1A" * 42])
def test_the_longest_names_fit(table: str) -> None:
    index = table_index("v" * 30, table, 999999)
    assert len(index) <= 255
    assert table_of_index(index) == table


@pytest.mark.parametrize(
    ("table", "alias"),
    [
        ("Person", "vehicles.-person"),
        ("person", "vehicles.person"),
        ("VehicleRegistration", "vehicles.-vehicle-registration"),
        ("DMV_offices", "vehicles.=dmv=_offices"),
        ("PERSON", "vehicles.=person="),
        ("A1B", "vehicles.=a1b="),
        ("aB", "vehicles.a-b"),
    ],
)
def test_what_readers_call_a_table(table: str, alias: str) -> None:
    assert table_alias("vehicles", table) == alias


def test_the_bookkeeping_is_no_table_and_no_other_view_is_either() -> None:
    assert not bookkeeping_index("vehicles").startswith(table_pattern("vehicles").removesuffix("*"))
    for name in ("Vehicles", "a.b", "a-b", "_a", "", "v" * 31, "a*"):
        with pytest.raises(ViewNameError):
            ViewAddress.of(f"opensearch+http://localhost/{name}")


def test_what_a_url_says() -> None:
    url = "opensearch+https://me%40x@search.example.com:9443/vehicles?shards=3&replicas=2&ca=/a.pem"
    assert ViewAddress.of(url) == ViewAddress(
        host="search.example.com",
        port=9443,
        view="vehicles",
        encrypted=True,
        signed=False,
        user="me@x",
        ca="/a.pem",
        layout=Layout(3, 2),
    )
    assert ViewAddress.of("opensearch+http://127.0.0.1/v").port == 9200
    assert ViewAddress.of("opensearch+https://x/v").port == 443


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("opensearch+https://search-x.us-east-1.es.amazonaws.com/v", True),
        ("opensearch+https://search-x.us-east-1.es.amazonaws.com/v?signing=none", False),
        ("opensearch+https://search.example.com/v?signing=es", True),
        ("opensearch+https://es.amazonaws.com.example.com/v", False),
    ],
)
def test_requests_are_signed_for_amazon(url: str, signed: bool) -> None:
    assert ViewAddress.of(url).signed is signed


@pytest.mark.parametrize(
    "url",
    [
        "opensearch+http:///vehicles",
        "opensearch+http://localhost/v?colour=red",
        "opensearch+http://localhost/v?shards=1&shards=2",
        "opensearch+http://localhost/v?shards=0",
        "opensearch+http://localhost/v?replicas=-1",
        "opensearch+http://localhost/v?replicas=many",
        "opensearch+http://localhost/v?signing=v4",
        "opensearch+http://localhost/v#there",
        "opensearch+http://localhost:port/v",
        "opensearch+http://localhost:99999/v",
    ],
)
def test_what_is_not_known_in_a_url_is_refused(url: str) -> None:
    with pytest.raises(ViewUrlError):
        open_view(url, "us-east-1")


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(QldbkitError) as refused:
        open_view("opensearch+https://me:hunter2@localhost/v", "us-east-1")
    assert "hunter2" not in str(refused.value)
    assert "OPENSEARCH_PASSWORD" in str(refused.value)
