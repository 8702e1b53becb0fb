"""The syntax tree of PartiQL's expressions and queries.

Every node says where it was written: ``at`` is the offset of its first character in the statement.
It takes no part in equality, so that two expressions are equal when they say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that was written in a statement."""

    at: int = field(compare=False, kw_only=True, default=0)


@dataclass(frozen=True, slots=True)
class Expression(Node):
    """Something that has a value."""


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    """A constant: a Python or amazon.ion value, or MISSING. ``text`` is how it was written."""

    value: Any = field(compare=False)
    text: str


@dataclass(frozen=True, slots=True)
class Parameter(Expression):
    """A question mark; ``index`` counts from 0."""

    index: int


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A variable. ``local`` when it was written with ``@``: it is then no table."""

    name: str
    quoted: bool = False
    local: bool = False


@dataclass(frozen=True, slots=True)
class FieldStep(Node):
    """``.name`` or ``."name"``."""

    name: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class IndexStep(Node):
    """``[expression]``."""

    index: Expression


@dataclass(frozen=True, slots=True)
class ElementsStep(Node):
    """``[*]``: every element of a collection."""


@dataclass(frozen=True, slots=True)
class MembersStep(Node):
    """``.*``: every value of a struct."""


Step = FieldStep | IndexStep | ElementsStep | MembersStep


@dataclass(frozen=True, slots=True)
class Path(Expression):
    """Steps into a value."""

    root: Expression
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """``NOT``, ``-`` or ``+`` before an operand."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """An operator between two operands; ``!=`` is kept as ``<>``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Expression):
    """``AND`` or ``OR`` between two operands or more."""

    operator: str
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Between(Expression):
    """``value BETWEEN low AND high``, both ends inclusive."""

    value: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Expression):
    """``value IN collection``."""

    value: Expression
    collection: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Expression):
    """``value LIKE pattern ESCAPE escape``."""

    value: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A type, in capitals, with its lengths or precisions."""

    name: str
    arguments: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Is(Expression):
    """``value IS type``."""

    value: Expression
    type: TypeName
    negated: bool


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    """``CAST``, ``CAN_CAST`` or ``CAN_LOSSLESS_CAST``, as ``function`` says."""

    function: str
    value: Expression
    type: TypeName


@dataclass(frozen=True, slots=True)
class TypedLiteral(Expression):
    """A type before a string: ``DATE '2020-01-31'``."""

    type: TypeName
    text: str


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """``CASE``; the conditions are compared with ``subject`` where there is one."""

    subject: Expression | None
    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of its arguments; the name is in lower case."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(Expression):
    """A function of the rows of a group; ``argument`` is None for ``COUNT(*)``."""

    name: str
    argument: Expression | None
    distinct: bool


@dataclass(frozen=True, slots=True)
class StructMaker(Expression):
    """``{ name: value, ... }``."""

    members: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class SequenceMaker(Expression):
    """``[ ... ]``, ``<< ... >>``, ``( ..., ... )``; ``kind`` is LIST, BAG or SEXP."""

    kind: str
    elements: tuple[Expression, ...]


class JoinKind(Enum):
    """Which rows without a partner a join keeps."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Source(Node):
    """One item of FROM: each value of ``expression``, and what it is called."""

    expression: Expression
    alias: Name | None
    at_alias: Name | None
    by_alias: Name | None
    unpivot: bool = False


@dataclass(frozen=True, slots=True)
class Join(Node):
    """Two items of FROM; ``condition`` is None for every pair."""

    kind: JoinKind
    left: From
    right: From
    condition: Expression | None


From = Source | Join


@dataclass(frozen=True, slots=True)
class Item(Node):
    """One item of a select list."""

    expression: Expression
    alias: Name | None


@dataclass(frozen=True, slots=True)
class AllOf(Node):
    """``expression.*`` in a select list."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class SelectAll(Node):
    """``SELECT *``."""


@dataclass(frozen=True, slots=True)
class SelectList(Node):
    """``SELECT item, ...``."""

    items: tuple[Item | AllOf, ...]


@dataclass(frozen=True, slots=True)
class SelectValue(Node):
    """``SELECT VALUE expression``."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Pivot(Node):
    """``PIVOT value AT name``: one struct of all rows."""

    value: Expression
    name: Expression


Projection = SelectAll | SelectList | SelectValue | Pivot


@dataclass(frozen=True, slots=True)
class Grouping(Node):
    """``GROUP BY key AS alias, ... GROUP AS name``; no keys for ``GROUP ALL``."""

    keys: tuple[tuple[Expression, Name | None], ...]
    group_as: Name | None


@dataclass(frozen=True, slots=True)
class OrderKey(Node):
    """One key of ORDER BY; ``nulls_first`` is None where it was not said."""

    expression: Expression
    descending: bool
    nulls_first: bool | None


@dataclass(frozen=True, slots=True)
class Window(Node):
    """ORDER BY, LIMIT and OFFSET."""

    order: tuple[OrderKey, ...] = ()
    limit: Expression | None = None
    offset: Expression | None = None


@dataclass(frozen=True, slots=True)
class Select(Expression):
    """One SELECT or PIVOT."""

    projection: Projection
    distinct: bool
    source: From | None
    lets: tuple[tuple[Expression, Name], ...]
    where: Expression | None
    grouping: Grouping | None
    having: Expression | None
    window: Window


@dataclass(frozen=True, slots=True)
class SetOperation(Expression):
    """UNION, INTERSECT or EXCEPT of two collections; ``outer`` takes anything as one.

    ORDER BY, LIMIT and OFFSET behind it belong to a `Select` around it.
    """

    operator: str
    outer: bool
    keep_duplicates: bool
    left: Expression
    right: Expression
