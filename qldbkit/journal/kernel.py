"""The hot loops over binary Ion: in C where they were compiled, else in Python alone.

Each function takes a span and either answers or gives None, and then the caller walks the value
itself: with no kernel always, with one where the value is not written in the usual way or is
damaged. What is allowed, and what an error says, stands in the Python code alone.

The kernel, in the folder ``native``, is built with the package where there is a C compiler, and by
`python -m qldbkit.journal.compiling` later; `qldbkit --version` says whether it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import fields as fields_of
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

from qldbkit.journal.binary import ANNOTATION, annotations_at

if TYPE_CHECKING:
    from qldbkit.journal.symbols import SymbolContext

VERSION: Final = 13
"""What the functions of ``native/kernel.c`` do; another one is not used."""
PURE_SETTING: Final = "QLDBKIT_PURE"
"""An environment variable: with any value, a compiled kernel is left alone."""


def _compiled() -> ModuleType | None:
    if os.environ.get(PURE_SETTING):
        return None
    try:
        found = import_module("qldbkit.journal._kernel")
    except ImportError:
        return None
    return found if found.VERSION == VERSION else None


_KERNEL: Final = _compiled()
COMPILED: Final = _KERNEL is not None
"""Whether the loops in C are used."""

if TYPE_CHECKING or _KERNEL is None:

    class Span:
        """Where a value stands in binary Ion.

        Attributes:
            data: the bytes that hold it.
            start: where it begins.
            end: where it ends.
            context: the symbols in force.
            annotation_ids: its annotations' symbol ids.

        Raises:
            IonFormatError: its annotations are malformed.
        """

        __slots__ = ("_body", "_descriptor", "annotation_ids", "context", "data", "end", "start")

        def __init__(self, data: bytes, start: int, end: int, context: SymbolContext):
            self.data = data
            self.start = self._body = start
            self.end = end
            self.context = context
            self.annotation_ids: tuple[int, ...] = ()
            descriptor = data[start]
            if descriptor >> 4 == ANNOTATION:
                self.annotation_ids, self._body = annotations_at(data, start, end)
                descriptor = data[self._body]
            self._descriptor = descriptor

else:
    Span = _KERNEL.Span

AnySpan = TypeVar("AnySpan", bound=Span)


def _without_answer(*_: Any) -> None:
    """What stands for a function of the kernel where there is none."""


def _function(name: str) -> Any:
    return _without_answer if _KERNEL is None else getattr(_KERNEL, name)


ion_hash: Final[Callable[[Span], bytes | None]] = _function("ion_hash")
"""A value's Ion hash."""
field_hash: Final[Callable[[str, Span], bytes | None]] = _function("field_hash")
"""The hash of a struct's field, by its name and its value."""
fields: Final[Callable[[AnySpan], list[tuple[str, AnySpan]] | None]] = _function("fields")
"""A struct's names and values."""
written_fields: Final[Callable[[Span], list[tuple[str, bytes]] | None]] = _function(
    "written_fields"
)
"""A struct's names, and its fields as they stand."""
(
    READ_BY_CALL,
    READ_ITSELF,
    READ_TEXT,
    READ_NATURAL,
    READ_HASH,
    READ_HASHES,
    READ_BLOB,
    READ_NATURALS,
    READ_FORM,
    READ_FORMS,
    READ_FORM_MAP,
) = range(11)
"""How a field is read: by a function, itself what that function would, or as its form says."""
Reader = tuple[int, int, Any, bool, Any]
"""How, to which place among the values, by which function, whether null is read as None, and the
`Form` of what is in the field where it is a struct or holds some."""
read_struct: Final[Callable[[Span, dict[str, Reader], list[Any], int, bool], list[Any] | None]] = (
    _function("read_struct")
)
"""A struct's fields by their readers: by the values for those that are not there, which places
must be filled (bits), and whether each name may be there once only, and no other."""
Form: Final[Callable[[type, dict[str, Reader], int, tuple[str, ...], str | None], Any]] = _function(
    "Form"
)
"""What structs of one kind are made into: of which class, by which readers, which places must be
filled (bits; the others are None or empty), the attribute of each place, and the one that keeps the
struct itself. No other field may be there, and none twice."""
Made = TypeVar("Made")


def constructor(made: type[Made]) -> type[Made]:
    """What makes objects of a class as the class does when it is called, in a fifth of the time.

    Args:
        made: a dataclass with slots that does nothing but keep its values. All of them are given,
            by position.
    """
    form = Form(made, {}, 0, tuple(each.name for each in fields_of(cast(Any, made))), None)
    return made if form is None else cast(type[Made], form)


made: Final[Callable[[Any, Span], Any]] = _function("made")
"""A struct as an object of its form, made without its constructor."""
sound: Final[Callable[[Any, tuple[Any, ...] | None], tuple[int, bool, bool] | None]] = _function(
    "sound"
)
"""Of a block's summary, and its revisions unless they are None, in which every hash holds and
nothing is unusual: its time in microseconds since 1970, and whether entries bind its header and its
transaction; see `qldbkit.journal.integrity` for what holds."""
elements: Final[Callable[[AnySpan], list[AnySpan] | None]] = _function("elements")
"""A list's or sexp's elements."""
text: Final[Callable[[Span], str | None]] = _function("text")
"""A string."""
integer: Final[Callable[[Span], int | None]] = _function("integer")
"""An int from 0."""
blob: Final[Callable[[Span], bytes | None]] = _function("blob")
"""A blob's bytes."""
microseconds: Final[Callable[[Span], int | None]] = _function("microseconds")
"""A timestamp in microseconds since 1970."""
only_value: Final[Callable[[bytes], int | None]] = _function("only_value")
"""Where the only value of binary Ion begins, behind at most one symbol table of its own."""
table_texts: Final[Callable[[bytes], list[str | None] | None]] = _function("table_texts")
"""The texts of a symbol table that holds a list of symbols and nothing else."""
used_texts: Final[Callable[[Span], tuple[str | None, ...] | None]] = _function("used_texts")
"""The texts of the symbols that a value uses, from the first that is not Ion's own."""
standalone: Final[Callable[[Span], bytes | None]] = _function("standalone")
"""A value with a symbol table of its own; see `qldbkit.journal.encoding.standalone`."""
without_revisions: Final[Callable[[Span, tuple[Any, ...]], bytes | None]] = _function(
    "without_revisions"
)
"""A block that stands alone, with its summaries; see `qldbkit.journal.blocks.summary_alone`."""
ROW_TEXT, ROW_BIGINT, ROW_INTEGER, ROW_JSONB, ROW_TIME, ROW_BYTES, ROW_BOOLEAN = range(7)
"""How `row` encodes a column's values."""
row: Final[Callable[[bytes, tuple[Any, ...]], bytes | None]] = _function("row")
"""Values and spans as a row's fields in PostgreSQL's binary format, by how those of each column are
encoded; see `qldbkit.replay.views.postgresql.copying`."""
row_arrays: Final[Callable[[list[bytes], tuple[int, ...]], list[bytes] | None]] = _function(
    "row_arrays"
)
"""The fields of such rows as arrays, one for each column, by the types of the columns."""
json_text: Final[Callable[[Span], str | None]] = _function("json_text")
"""A value as the text of JSON, with the types that JSON does not have."""
readable: Final[Callable[[Span], Literal[True] | None]] = _function("readable")
"""Whether amazon.ion can read a value."""
dot: Final[Callable[[bytes, bytes], bytes | None]] = _function("dot")
"""Two hashes combined; see `qldbkit.journal.hashes.dot`."""
merkle_root: Final[Callable[[Sequence[bytes]], bytes | None]] = _function("merkle_root")
"""The root of a tree; see `qldbkit.journal.hashes.merkle_root`."""
revision_hash: Final[Callable[[Span, Span], bytes | None]] = _function("revision_hash")
"""The Ion hashes of metadata and data combined."""
lone_structs: Final[Callable[[bytes, int, int], list[tuple[int, int, int]] | None]] = _function(
    "lone_structs"
)
"""The structs from an offset on, up to a size, that each have a version marker, symbols of their
own and another version marker behind them: where each begins, where its value does, and its end."""
located: Final[Callable[[bytes], tuple[int, str, str, int, str | None, int | None] | None]] = (
    _function("located")
)
"""A stream record's kind, stream, strand and sequence number, and its document and version."""
