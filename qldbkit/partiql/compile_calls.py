"""Compiling literals, parameters, function calls and the makers of structs and collections."""

from __future__ import annotations

from typing import Any

from amazon.ion.core import IonType
from amazon.ion.simple_types import IonPyList

from qldbkit.partiql.casts import typed_literal
from qldbkit.partiql.compiler import Compiler, constant, constant_kind
from qldbkit.partiql.errors import PartiqlError, SemanticError
from qldbkit.partiql.functions import FUNCTIONS, Function
from qldbkit.partiql.run import Evaluate, Row
from qldbkit.partiql.scopes import Scope
from qldbkit.partiql.syntax import (
    Call,
    Expression,
    Literal,
    Parameter,
    Select,
    SequenceMaker,
    SetOperation,
    StructMaker,
    TypedLiteral,
)
from qldbkit.partiql.values import (
    MISSING,
    TEXTS,
    Bag,
    Kind,
    fields,
    kind,
    make_struct,
    text_of,
)


class CallCompiler(Compiler):
    """The part of the compiler for literals, calls and makers."""

    def literal(self, node: Literal, _: Scope) -> Evaluate:
        """A constant."""
        return constant(node.value)

    def typed_literal(self, node: TypedLiteral, _: Scope) -> Evaluate:
        """A constant of a type that Ion does not have."""
        try:
            return constant(typed_literal(node.type.name, node.type.arguments, node.text))
        except PartiqlError as error:
            raise self.semantic_error(node.at, error.message) from error

    def parameter(self, node: Parameter, _: Scope) -> Evaluate:
        """A question mark."""
        index = node.index
        return lambda row: row[0].parameters[index]

    def call(self, node: Call, scope: Scope) -> Evaluate:
        """A function of its arguments."""
        if node.name == "tupleunion":
            return self._tuple_union(node, scope)
        function = FUNCTIONS.get(node.name.upper())
        if function is None:
            raise self.semantic_error(node.at, f"there is no function {node.name.upper()}")
        self._check_call(node, function)
        call = function.call
        compile_argument = self.compile if function.propagates_null else self._absent_allowed
        arguments = [compile_argument(argument, scope) for argument in node.arguments]
        if len(arguments) == 1:
            only = arguments[0]
            return self.guard(lambda row: call((only(row),), row[0].context), node.at)
        return self.guard(lambda row: call([a(row) for a in arguments], row[0].context), node.at)

    def _absent_allowed(self, argument: Expression, scope: Scope) -> Evaluate:
        """An argument of which the function itself says what its absence means."""
        if isinstance(argument, Select | SetOperation):
            return self.compile(argument, scope)
        return self.forgiving(argument, scope)

    def _check_call(self, node: Call, function: Function) -> None:
        """Refuse what can be told to fail without running it."""
        try:
            function.check_count(len(node.arguments))
        except SemanticError as error:
            raise self.semantic_error(node.at, error.message) from error
        if not function.qldb:
            return
        for position, argument in enumerate(node.arguments):
            what = constant_kind(argument)
            if what is not None and not function.takes(position, what):
                raise self.semantic_error(
                    argument.at, f"{function.name} does not take {what.value}"
                )

    def _tuple_union(self, node: Call, scope: Scope) -> Evaluate:
        """One struct of the members of several; what is not a struct has none."""
        arguments = [self.compile(argument, scope) for argument in node.arguments]

        def evaluate(row: Row) -> Any:
            values = [argument(row) for argument in arguments]
            structs = [value for value in values if kind(value) is Kind.STRUCT]
            return make_struct(pair for struct in structs for pair in fields(struct))

        return evaluate

    def struct(self, node: StructMaker, scope: Scope) -> Evaluate:
        """A struct; members whose value is MISSING, or whose name is no text, are left out."""
        members = [(self.scalar(n, scope), self.scalar(v, scope)) for n, v in node.members]
        mistyped = self.mistyped(node.at, "the name of a struct's member is a string")

        def evaluate(row: Row) -> Any:
            pairs = []
            for name, value in members:
                text = name(row)
                if kind(text) in TEXTS:
                    pairs.append((text_of(text), value(row)))
                else:
                    mistyped()
            return make_struct(pairs)

        return evaluate

    def sequence(self, node: SequenceMaker, scope: Scope) -> Evaluate:
        """A list, bag or s-expression."""
        elements = [self.scalar(element, scope) for element in node.elements]
        if node.kind == "BAG":
            return lambda row: Bag([element(row) for element in elements])
        if node.kind == "LIST":
            return lambda row: [element(row) for element in elements]

        def evaluate(row: Row) -> Any:
            values = [element(row) for element in elements]
            return IonPyList.from_value(IonType.SEXP, [v for v in values if v is not MISSING])

        return evaluate
