"""Where a view in DynamoDB is, and its tables."""

from __future__ import annotations

import pytest

from qldbkit.replay.errors import DestinationChangedError
from qldbkit.replay.views.dynamodb.catalog import Catalog, ViewTable
from qldbkit.replay.views.dynamodb.destination import DynamoDbView
from qldbkit.replay.views.dynamodb.location import ViewLocation
from qldbkit.replay.views.opening import ViewUrlError, open_view


def test_a_url_names_a_table_and_says_what_differs() -> None:
    assert ViewLocation.of("dynamodb://Some_Table-1.x", "us-east-1") == ViewLocation(
        "Some_Table-1.x", "us-east-1"
    )
    url = "dynamodb://View?region=eu-west-1&endpoint=http://127.0.0.1:8000&key=alias/views"
    assert ViewLocation.of(url, "us-east-1") == ViewLocation(
        "View", "eu-west-1", "http://127.0.0.1:8000", "alias/views"
    )


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("dynamodb://", "names no table"),
        ("dynamodb://ab", "names no table"),
        ("dynamodb://me:secret@Table", "names no table"),
        ("dynamodb://Table/more", "names no table"),
        ("dynamodb://Table#more", "names no table"),
        ("dynamodb://Table?regoin=x", "regoin is no option"),
        ("dynamodb://Table?region=a&region=b", "not one region"),
        ("dynamodb://Table?endpoint=", "not one endpoint"),
    ],
)
def test_a_url_that_names_none_is_refused_and_not_shown(url: str, sentence: str) -> None:
    with pytest.raises(ViewUrlError, match=sentence) as refused:
        ViewLocation.of(url, "us-east-1")
    assert "secret" not in str(refused.value)
    assert refused.value.hint


def test_a_view_is_opened_without_asking_anything_of_it() -> None:
    view = open_view("dynamodb://Table?endpoint=http://127.0.0.1:9", "us-east-1")
    assert isinstance(view, DynamoDbView)
    assert view.limits.documents == 99
    view.close()


def test_a_table_that_is_made_again_has_another_key() -> None:
    first = Catalog().created("Person").created("Person").created("Vehicle")
    assert [each.key for each in first] == ["Person", "Vehicle"]
    again = first.with_active("Person", active=False).created("Person")
    assert again.required_key("Person") == "Person#2"
    assert again.table_of("Person") == ViewTable("Person", "Person", active=False)
    back = again.with_active("Person#2", active=False).with_active("Person", active=True)
    assert back.active_key("Person") == "Person"
    with pytest.raises(DestinationChangedError, match="Boat is not in the view"):
        back.required_key("Boat")
