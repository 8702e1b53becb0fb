"""Values that are still the bytes they were written as.

A parameter and a stored document come as binary Ion, and most statements look at few of their
fields or at none: a document that is inserted is stored as it was written, and one that is found
by its id is given out as it is stored. So a struct is decoded field by field, when a statement asks
for one, and goes out again as the bytes that it came as.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from qldbkit.journal import codec, kernel
from qldbkit.journal.binary import NEGATIVE_INT
from qldbkit.journal.ion import IonSpan, IonType

UNSURE_NAMES: Final = frozenset({"", "$0"})
"""A span calls a field by the second whose name is empty, or whose name's text is not known."""
_NULL: Final = 0x0F
_INTS: Final = frozenset({int(IonType.INT), NEGATIVE_INT})


class WrittenStruct:
    """A struct by its bytes; to statements it is a struct like any other.

    Args:
        source: the struct, or binary Ion that holds nothing else and is read when it has to be.
    """

    __slots__ = ("_pairs", "_source")

    def __init__(self, source: IonSpan | bytes):
        self._source = source
        self._pairs: list[tuple[str, IonSpan]] | None = None

    @property
    def span(self) -> IonSpan:
        """The struct as it was written.

        Raises:
            IonFormatError: the bytes are damaged.
        """
        if isinstance(self._source, bytes):
            self._source = IonSpan.parse(self._source)
        return self._source

    @property
    def ion_annotations(self) -> tuple[Any, ...]:
        """The struct's annotations, as amazon.ion's structs have them."""
        span = self.span
        return tuple(span.value().ion_annotations) if span.annotation_ids else ()

    def binary(self) -> bytes:
        """The struct as binary Ion that stands alone."""
        return self._source if isinstance(self._source, bytes) else self._source.binary()

    def __getitem__(self, name: str) -> Any:
        if name in UNSURE_NAMES:
            return self.span.value().get_all_values(name)[0]
        for each, span in self._spans():
            if each == name:
                return written(span)
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self._spans())

    def items(self) -> Iterator[tuple[str, Any]]:
        """The names and values; a name that the struct holds twice comes twice."""
        pairs = self._spans()
        if any(name in UNSURE_NAMES for name, _ in pairs):
            return iter(self.span.value().items())
        return ((name, written(span)) for name, span in pairs)

    def _spans(self) -> list[tuple[str, IonSpan]]:
        if self._pairs is None:
            self._pairs = self.span.field_pairs()
        return self._pairs


class Parameters(Sequence[Any]):
    """The values of a statement's question marks, each decoded when it is asked for.

    Args:
        spans: what the client sent.

    Raises:
        IonException, ValueError: one of them is no value that can be decoded.
    """

    def __init__(self, spans: Sequence[IonSpan]):
        for each in spans:
            if not kernel.readable(each):
                codec.check(each.binary())
        self._spans = spans
        self._values: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def __getitem__(self, index: Any) -> Any:
        if index not in self._values:
            self._values[index] = written(self._spans[index])
        return self._values[index]


def written(span: IonSpan) -> Any:
    """A value as statements work on it, decoded as far as it has to be.

    Raises:
        IonFormatError: it is not one that amazon.ion can read.
    """
    descriptor = span.data[span.start]  # an annotated value's is that of its wrapper
    code = descriptor >> 4
    if descriptor & _NULL == _NULL:
        return span.value()
    if code == IonType.STRUCT:
        return WrittenStruct(span)
    if code == IonType.STRING:
        return span.text()
    if code in _INTS:
        return span.integer()
    if code == IonType.LIST:
        return [written(each) for each in span.elements()]
    return span.value()
