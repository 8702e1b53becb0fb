"""Lists of documents as one parameter of a statement, as the stream's records wrote them.

Documents of one shape come with one symbol table. Laid side by side under it they are a list,
without any of them being decoded; only documents of several shapes have to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from qldbkit.journal.encoding import container, symbol_table, var_uint_bytes
from qldbkit.journal.ion import IonSpan, IonType

PARAMETER_BYTES: Final = 120_000
"""Documents of one parameter together; QLDB takes 131,072 bytes of binary Ion in one."""

_T = TypeVar("_T")


def documents(spans: Sequence[IonSpan]) -> IonSpan:
    """The list of the documents."""
    shared = _shared_prefix(spans)
    if shared is None:
        return IonSpan.of([each.value() for each in spans])
    return IonSpan.parse(shared + container(IonType.LIST, b"".join(map(_written, spans))))


def replacements(pairs: Sequence[tuple[str, IonSpan]]) -> IonSpan:
    """The list ``[{id, data}]`` of document ids and documents."""
    shared = _shared_prefix([data for _, data in pairs])
    if shared is None:
        return IonSpan.of([{"id": id_, "data": data.value()} for id_, data in pairs])
    first = len(pairs[0][1].context.texts)
    names = var_uint_bytes(first), var_uint_bytes(first + 1)
    structs = b"".join(_replacement(names, id_, data) for id_, data in pairs)
    added = symbol_table(("id", "data"), append=True)
    return IonSpan.parse(shared + added + container(IonType.LIST, structs))


def batches(sized: Iterable[tuple[int, _T]]) -> Iterator[list[_T]]:
    """What fits into one parameter at a time, in order.

    Args:
        sized: each with its bytes; one that is too large by itself is left to the ledger.
    """
    batch: list[_T] = []
    size = 0
    for bytes_, each in sized:
        if batch and size + bytes_ > PARAMETER_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += bytes_
    if batch:
        yield batch


def _shared_prefix(spans: Sequence[IonSpan]) -> bytes | None:
    """The version marker and symbols of all documents; None if they have not the same."""
    first = spans[0].context.prefix
    return first if all(each.context.prefix == first for each in spans) else None


def _written(span: IonSpan) -> bytes:
    return span.data[span.start : span.end]


def _replacement(names: tuple[bytes, bytes], id_: str, data: IonSpan) -> bytes:
    text = container(IonType.STRING, id_.encode())
    return container(IonType.STRUCT, names[0] + text + names[1] + _written(data))
