"""Lists come in pages; the tokens between them survive what changes in the list."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qldbkit.ledger.errors import InvalidParameterError
from qldbkit.ledger.pages import page_of


def pages(items, size):
    token, seen = None, []
    while True:
        page, token = page_of(items, str, size, token)
        seen.append(list(page))
        if token is None:
            return seen


@given(st.sets(st.text(min_size=1, max_size=5)), st.integers(1, 10))
def test_all_items_come_once_and_in_order(names, size):
    items = sorted(names)
    seen = pages(items, size)
    assert [each for page in seen for each in page] == items
    assert all(len(page) == size for page in seen[:-1])


def test_an_item_that_goes_away_between_pages_leaves_the_others():
    _, token = page_of(["a", "b", "c"], str, 2, None)
    assert page_of(["a", "c", "d"], str, 2, token) == (["c", "d"], None)


def test_a_hundred_items_are_a_page_when_no_size_is_given():
    items = [f"{number:03}" for number in range(101)]
    assert [len(page) for page in pages(items, None)] == [100, 1]


@pytest.mark.parametrize("token", ["abcd", "????", base64.b64encode(b"before:x").decode()])
def test_a_made_up_token_is_refused(token):
    with pytest.raises(InvalidParameterError, match="NextToken"):
        page_of(["a"], str, 1, token)
