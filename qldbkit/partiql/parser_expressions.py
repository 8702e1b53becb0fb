"""Reading expressions: a Pratt parser over binding powers."""

from __future__ import annotations

from qldbkit.partiql.cursor import MAX_DEPTH
from qldbkit.partiql.parser_calls import CallParser
from qldbkit.partiql.syntax import (
    Between,
    Binary,
    ElementsStep,
    Expression,
    FieldStep,
    In,
    IndexStep,
    Is,
    Like,
    Literal,
    Logical,
    MembersStep,
    Name,
    Parameter,
    Path,
    Select,
    SequenceMaker,
    SetOperation,
    Step,
    StructMaker,
    Unary,
)
from qldbkit.partiql.tokens import TokenKind

_OR, _AND, _NOT, _PREDICATE, _CONCATENATION, _SUM, _PRODUCT = range(1, 8)

_BINARY = {
    "||": _CONCATENATION,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "%": _PRODUCT,
}
_COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})


class ExpressionParser(CallParser):
    """The part of the parser that reads expressions."""

    def expression(self) -> Expression:
        """Take an expression; a query has to stand in parentheses.

        Raises:
            PartiqlSyntaxError: no expression is next.
        """
        return self._binding(_OR)

    def concatenation(self) -> Expression:
        """Take an expression that ends before a predicate such as IN."""
        return self._binding(_CONCATENATION)

    def _binding(self, power: int) -> Expression:
        """An expression whose operators all bind at least as tightly as ``power``."""
        self.enter()
        left = self._prefix()
        if power <= _PRODUCT:
            left = self._operators(left, power)
        self.leave()
        return left

    def _operators(self, left: Expression, power: int) -> Expression:
        for _ in range(MAX_DEPTH):
            found = self._arithmetic(left, power)
            if found is None and power <= _PREDICATE:
                found = self._predicate(left)
            if found is None and power <= _AND:
                found = self._logical(left, power)
            if found is None:
                return left
            left = found
        raise self.error(self.token.start, f"more than {MAX_DEPTH} operators in a row")

    def _arithmetic(self, left: Expression, power: int) -> Expression | None:
        token = self.token
        binding = _BINARY.get(token.text, 0) if token.kind is TokenKind.SYMBOL else 0
        if binding < power or binding == 0:
            return None
        self.advance()
        return Binary(token.text, left, self._binding(binding + 1), at=token.start)

    def _logical(self, left: Expression, power: int) -> Expression | None:
        for word, binding in (("AND", _AND), ("OR", _OR)):
            if binding >= power and self.is_keyword(word):
                at = self.token.start
                operands = [left]
                while self.accept(word):
                    operands.append(self._binding(binding + 1))
                return Logical(word, tuple(operands), at=at)
        return None

    def _predicate(self, left: Expression) -> Expression | None:
        token = self.token
        if token.kind is TokenKind.SYMBOL and token.text in _COMPARISONS:
            self.advance()
            operator = "<>" if token.text == "!=" else token.text
            return Binary(operator, left, self._binding(_CONCATENATION), at=token.start)
        if self.is_keyword("IS"):
            return self._is(left)
        if self.is_keyword("OVERLAPS"):
            self.advance()
            right = self._binding(_CONCATENATION)
            return self._made_call("overlaps", [left, right], token.start)
        negated = self.is_keyword("NOT")
        word = self.ahead(1 if negated else 0)
        if word.kind is not TokenKind.KEYWORD or word.text not in ("IN", "LIKE", "BETWEEN"):
            return None
        self.position += 2 if negated else 1
        if word.text == "IN":
            return In(left, self._in_collection(), negated, at=token.start)
        if word.text == "LIKE":
            return self._like(left, negated, token.start)
        low = self._binding(_CONCATENATION)
        self.expect("AND")
        return Between(left, low, self._binding(_CONCATENATION), negated, at=token.start)

    def _is(self, left: Expression) -> Is:
        at = self.expect("IS").start
        negated = self.accept("NOT")
        return Is(left, self.type_name(), negated, at=at)

    def _like(self, left: Expression, negated: bool, at: int) -> Like:
        pattern = self._binding(_CONCATENATION)
        escape = self._binding(_CONCATENATION) if self.accept("ESCAPE") else None
        return Like(left, pattern, escape, negated, at=at)

    def _in_collection(self) -> Expression:
        """What IN looks in: one value in parentheses is a collection of that value."""
        in_parentheses = self.is_symbol("(")
        at = self.token.start
        found = self._binding(_CONCATENATION)
        alone = in_parentheses and not isinstance(found, Select | SetOperation | SequenceMaker)
        return SequenceMaker("LIST", (found,), at=at) if alone else found

    def _prefix(self) -> Expression:
        token = self.token
        if self.accept("NOT"):
            return Unary("NOT", self._binding(_NOT), at=token.start)
        if self.is_symbol("-") or self.is_symbol("+"):
            self.advance()
            return self._signed(token.text, token.start)
        return self._steps(self._primary())

    def _signed(self, sign: str, at: int) -> Expression:
        """A sign and its operand; a number's sign belongs to the literal."""
        operand = self._binding(_PRODUCT + 1)
        negative_number = (
            sign == "-"
            and isinstance(operand, Literal)
            and self.tokens[self.position - 1].kind is TokenKind.NUMBER
            and not operand.text.startswith("-")
        )
        if negative_number and isinstance(operand, Literal):
            return Literal(-operand.value, f"-{operand.text}", at=at)
        return Unary(sign, operand, at=at)

    def _steps(self, root: Expression) -> Expression:
        steps: list[Step] = []
        while (step := self._step()) is not None:
            steps.append(step)
        return Path(root, tuple(steps), at=root.at) if steps else root

    def _step(self) -> Step | None:
        at = self.token.start
        if self.ahead(0).kind is not TokenKind.SYMBOL:
            return None
        if self.accept_symbol("."):
            if self.accept_symbol("*"):
                return MembersStep(at=at)
            if self.token.kind is TokenKind.STRING:
                return FieldStep(self.advance().text, True, at=at)
            name = self.field_name("a field's name")
            return FieldStep(name.name, name.quoted, at=name.at)
        if self.accept_symbol("["):
            if self.accept_symbol("*"):
                self.expect_symbol("]")
                return ElementsStep(at=at)
            index = self.query()
            self.expect_symbol("]")
            return IndexStep(index, at=at)
        return None

    def _primary(self) -> Expression:
        token = self.token
        found = self.call() or self.literal()
        if found is not None:
            return found
        if token.kind is TokenKind.PARAMETER:
            self.advance()
            self.parameter_count += 1
            return Parameter(self.parameter_count - 1, at=token.start)
        if self.accept_symbol("@"):
            name = self.name("a variable")
            return Name(name.name, name.quoted, local=True, at=token.start)
        if self.is_name():
            return self.name()
        if self.is_keyword("VALUES"):
            return self._values()
        if self.is_keyword("TABLE"):
            self.beyond_qldb("TABLE", self.advance().start)
            return self.name("a table's name")
        found = self._maker()
        if found is None:
            self.fail("an expression")
        return found

    def _maker(self) -> Expression | None:
        at = self.token.start
        if self.accept_symbol("("):
            return self._parenthesized(at)
        if self.accept_symbol("["):
            return SequenceMaker("LIST", self._elements("]"), at=at)
        if self.accept_symbol("<<"):
            return SequenceMaker("BAG", self._elements(">>"), at=at)
        if self.accept_symbol("{"):
            return self._struct(at)
        return None

    def _parenthesized(self, at: int) -> Expression:
        if self.accept_symbol(")"):
            return SequenceMaker("LIST", (), at=at)
        first = self.query()
        if self.is_symbol(","):
            self.advance()
            return SequenceMaker("LIST", (first, *self._elements(")")), at=at)
        self.expect_symbol(")")
        return first

    def _elements(self, closing: str) -> tuple[Expression, ...]:
        found: tuple[Expression, ...] = ()
        if not self.is_symbol(closing):
            found = tuple(self.arguments())
        self.expect_symbol(closing)
        return found

    def _struct(self, at: int) -> StructMaker:
        members: list[tuple[Expression, Expression]] = []
        while not self.is_symbol("}"):
            if members:
                self.expect_symbol(",")
            name = self.expression()
            self.expect_symbol(":")
            members.append((name, self.query()))
        self.advance()
        return StructMaker(tuple(members), at=at)

    def _values(self) -> SequenceMaker:
        at = self.expect("VALUES").start
        self.beyond_qldb("VALUES", at)
        rows = [self._row()]
        while self.accept_symbol(","):
            rows.append(self._row())
        return SequenceMaker("BAG", tuple(rows), at=at)

    def _row(self) -> SequenceMaker:
        at = self.expect_symbol("(").start
        return SequenceMaker("LIST", self._elements(")"), at=at)
