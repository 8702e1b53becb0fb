"""What a person reads of a document's history."""

from amazon.ion import simpleion

from qldbkit.client.changes import VersionKind, differences, versions


def ion(text):
    return simpleion.loads(text, single_value=True)


def row(number, data, document="A"):
    """A row of history(); ``data`` of None for a deletion."""
    told = "" if data is None else f"{data},"
    return ion(
        f'{{{told} metadata: {{id: "{document}", version: {number},'
        f' txTime: 2020-01-0{number + 1}T00:00:00.000Z, txId: "T{number}"}}}}'
    )


def changes(before, after):
    return [
        (each.path, each.before, each.after) for each in differences("", ion(before), ion(after))
    ]


def test_changes_are_named_by_their_path_down_to_the_value():
    assert changes('{a:{b:1,c:2},d:"x"}', '{a:{b:1,c:3},e:"x"}') == [
        ("a.c", "2", "3"),
        ("d", '"x"', None),
        ("e", None, '"x"'),
    ]


def test_elements_of_lists_are_compared_by_place():
    assert changes("{l:[1,2]}", "{l:[1,3,4]}") == [("l[1]", "2", "3"), ("l[2]", None, "4")]


def test_another_type_and_null_are_changes_and_equal_values_are_none():
    assert changes("{a:1.5,b:null,c:2020T}", "{a:1.50,b:1,c:2020T}") == [
        ("a", "1.5", "1.50"),
        ("b", "null", "1"),
    ]
    assert changes("{a:1}", "{a:{b:1}}") == [("a", "1", "{b:1}")]


def test_versions_come_in_order_whatever_the_rows_order_is():
    rows = [
        row(2, None),
        row(0, "data: {v: 1}", "B"),
        row(1, "data: {v: 2}"),
        row(0, "data: {v:1}"),
    ]
    found = list(versions(rows))
    assert [(each.document_id, each.number, each.kind) for each in found] == [
        ("A", 0, VersionKind.CREATED),
        ("A", 1, VersionKind.CHANGED),
        ("A", 2, VersionKind.DELETED),
        ("B", 0, VersionKind.CREATED),
    ]
    assert found[1].to_json()["changes"] == [{"path": "v", "before": "1", "after": "2"}]
    assert found[2].changes == ()


def test_a_redacted_version_and_the_one_behind_it_are_told():
    rows = [row(0, "dataHash: {{aGFzaA==}}"), row(1, "data: {v: 2}")]
    first, second = versions(rows)
    assert first.kind is VersionKind.REDACTED
    assert [each.path for each in second.changes] == ["v"]
