"""How large DynamoDB reckons an item, by the rules of its developer guide.

"DynamoDB item sizes and formats": a string and a name count as their UTF-8, binary as its bytes, a
number as a byte for two digits and one more, null and bool as one byte; a list or map is 3 bytes,
and one for each element, besides what it holds.
"""

from __future__ import annotations

from typing import Any, Final

ITEM_BYTES: Final = 400 * 1024
"""DynamoDB's limit for an item."""
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
"""DynamoDB's limit for all items of a transaction."""
TRANSACTION_ITEMS: Final = 100
UNIT_BYTES: Final = 1024
"""What one write unit writes of an item; twice as many units are used up in a transaction."""

_CONTAINER: Final = 3
_ELEMENT: Final = 1
_NUMBER: Final = 21


def item_size(item: dict[str, dict[str, Any]]) -> int:
    """Bytes of an item, never less than DynamoDB reckons."""
    return sum(len(name.encode()) + attribute_size(each) for name, each in item.items())


def attribute_size(attribute: dict[str, Any]) -> int:
    """Bytes of an attribute's value, never less than DynamoDB reckons."""
    ((kind, content),) = attribute.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            return min(_NUMBER, len(content) // 2 + 2)
        case "M":
            return _CONTAINER + _ELEMENT * len(content) + item_size(content)
        case "L":
            return _CONTAINER + sum(_ELEMENT + attribute_size(each) for each in content)
        case "SS":
            return _CONTAINER + sum(_ELEMENT + len(each.encode()) for each in content)
    return 1


def write_units(size: int) -> int:
    """What writing an item takes of write capacity in a transaction."""
    return 2 * max(1, -(-size // UNIT_BYTES))
