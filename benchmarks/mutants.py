"""Small changes of the desk's source, each of which some test should notice.

A mutant is one change in one function, or in one constant of a module. What is never changed:
annotations, docstrings, messages of errors, defaults of arguments and of settings, decorators.
"""

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

Scope = ast.FunctionDef | ast.Assign
Node = ast.stmt | ast.expr

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
FUNCTIONS = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "floor": "ceil",
    "ceil": "floor",
}
# Arguments that may change places: nothing changes, or a range is empty at once.
SYMMETRIC = {"min", "max", "minimum", "maximum", "range"}
# Arrays of one element, in which -1 is the same place as 0 and any other place is an error at once.
SINGLE = {"desk.rules[0]", "contest.n_closed[0]"}
UNTOUCHED = {"decorator_list", "returns", "annotation", "targets", "target"}
# A struct in the place of a number is an error at once; that it is noticed would prove nothing.
STRUCTS = {
    *("desk", "contest", "account", "position", "rules", "records", "book", "ledger", "tape"),
    *("ask", "answer", "bar", "facts", "market", "signals", "settings", "parameters", "holdings"),
    *("terms", "fill", "now", "holder", "order", "model", "candidate"),
}


@dataclass(frozen=True)
class Mutant:
    """One change.

    key       the same as long as its function is the same
    text      of the line
    function  qualified name; empty for a constant of the module
    change    the second time that it can be made on the line it ends in ` (2)`, and so on
    code      of the changed function, or of the changed assignment
    """

    key: str
    file: str
    line: int
    text: str
    function: str
    change: str
    code: CodeType

    def __str__(self) -> str:
        return f"{self.file}:{self.line} | {self.text} | {self.change}"


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield every mutant of a source file, function by function."""
    source = path.read_text()
    lines = [line.strip() for line in source.splitlines()]
    for scope, name in _scopes(ast.parse(source), ""):
        digest = hashlib.sha256(ast.unparse(scope).encode()).hexdigest()[:12]
        seen = Counter[tuple[int, str]]()
        for node, change, code in _changed(scope, path):
            seen[node.lineno, change] += 1
            number = seen[node.lineno, change]
            yield Mutant(
                key=f"{path.stem}:{name}:{digest}:{seen.total()}",
                file=path.name,
                line=node.lineno,
                text=lines[node.lineno - 1],
                function=name,
                change=change if number == 1 else f"{change} ({number})",
                code=code,
            )


def _changed(scope: Scope, path: Path) -> Iterator[tuple[Node, str, CodeType]]:
    """Yield every change of a function: the node, the change in words, and the code."""
    for holder, field, place, node in _places(scope):
        for after in _changes(node, scope):
            texts = [ast.unparse(part).splitlines()[0] for part in (node, after)]
            _put(holder, field, place, ast.copy_location(after, node))
            code = _code_of(scope, path)
            _put(holder, field, place, node)
            yield node, " -> ".join(texts), code


def _scopes(tree: ast.AST, prefix: str) -> Iterator[tuple[Scope, str]]:
    """Yield functions and methods by qualified name, and the module's constants by none."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node, prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield from ((s, n) for s, n in _scopes(node, f"{node.name}.") if n)
        elif isinstance(node, ast.Assign) and _is_number(node.value):
            yield node, ""


def _is_number(value: ast.expr) -> bool:
    """Return whether an expression is made of numbers alone, as those of a module's constants."""
    kinds = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.Call)
    parts = [part for part in ast.walk(value) if isinstance(part, ast.expr)]
    numbers = [part.value for part in parts if isinstance(part, ast.Constant)]
    named = [part for part in parts if isinstance(part, ast.Name)]
    return (
        isinstance(value, kinds)
        and bool(numbers)
        and all(isinstance(number, int | float) for number in numbers)
        and all(part.id == "np" for part in named)
    )


def _places(scope: ast.AST) -> Iterator[tuple[ast.AST, str, int, Node]]:
    """Yield every node that may be changed with its holder, its field and its place in a list."""
    for field, value in ast.iter_fields(scope):
        if field in UNTOUCHED or (field == "args" and not isinstance(scope, ast.Call)):
            continue
        for place, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            if isinstance(child, ast.stmt | ast.expr):
                yield scope, field, place if isinstance(value, list) else -1, child
            yield from _places(child)


def _is_left_alone(node: ast.AST) -> bool:
    """Return whether nothing below a node is a rule: messages, and what only asks for memory."""
    is_message = isinstance(node, ast.Raise | ast.JoinedStr)
    is_wish = isinstance(node, ast.Expr) and ast.unparse(node).startswith("fetch_")
    is_single = isinstance(node, ast.Subscript) and ast.unparse(node) in SINGLE
    return is_message or is_wish or is_single


def _put(holder: ast.AST, field: str, place: int, node: ast.AST) -> None:
    if place < 0:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[place] = node


def _changes(node: Node, scope: Scope) -> Iterator[Node]:
    """Yield what may stand in the place of a node."""
    if isinstance(node, ast.expr):
        yield from _changed_expression(node)
    elif _is_effect(node):
        yield ast.Pass()
    match node:
        case ast.AugAssign(target, op, value) if type(op) in OPERATORS:
            yield ast.AugAssign(target, OPERATORS[type(op)](), value)
        case ast.If(test, body, orelse) if not _is_turned_anyway(test):
            yield ast.If(_not(test), body, orelse)
        case ast.Return(value=ast.expr() as value) if isinstance(scope, ast.FunctionDef):
            yield from (ast.Return(other) for other in _opposites(value, scope.returns))


def _opposites(value: ast.expr, annotation: ast.expr | None) -> Iterator[ast.expr]:
    """Yield the opposite of what a function returns, where numbers or truths have one."""
    returns = ast.unparse(annotation) if annotation else ""
    if returns == "float" or returns.endswith("Array"):
        yield ast.UnaryOp(ast.USub(), value)
    if returns == "bool":
        yield _not(value)


def _is_effect(node: ast.stmt) -> bool:
    """Return whether a function still makes sense without the statement."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return not any(isinstance(part, ast.Name | ast.Tuple) for part in node.targets)
    is_bare_return = isinstance(node, ast.Return) and node.value is None
    return is_bare_return or isinstance(node, ast.AugAssign | ast.Continue)


def _changed_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Constant():
            yield from _changed_constant(node.value)
        case ast.Compare(left, ops, comparators):
            for i in (i for i, op in enumerate(ops) if type(op) in COMPARISONS):
                changed = [*ops[:i], COMPARISONS[type(ops[i])](), *ops[i + 1 :]]
                yield ast.Compare(left, changed, comparators)
        case ast.Call():
            yield from _changed_call(node)
        case _:
            yield from _changed_operation(node)


def _changed_constant(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        numbers = dict.fromkeys((value + 1, value - 1, value * 2))
        yield from (ast.Constant(number) for number in numbers if number != value)


def _changed_operation(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.IfExp(test, body, orelse) if not _is_turned_anyway(test):
            yield ast.IfExp(_not(test), body, orelse)


def _changed_call(node: ast.Call) -> Iterator[ast.expr]:
    """Yield the call of the opposite function, and those with two neighbours swapped."""
    function, arguments = node.func, node.args
    name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    if name in FUNCTIONS:
        other: ast.expr = ast.Name(FUNCTIONS[name], ast.Load())
        if isinstance(function, ast.Attribute):
            other = ast.Attribute(function.value, FUNCTIONS[name], ast.Load())
        yield ast.Call(other, arguments, node.keywords)
    if name in SYMMETRIC:
        return
    for i in range(len(arguments) - 1):
        pair = arguments[i], arguments[i + 1]
        is_same = ast.dump(pair[0]) == ast.dump(pair[1])
        if not is_same and not any(isinstance(p, ast.Name) and p.id in STRUCTS for p in pair):
            swapped = [*arguments[:i], pair[1], pair[0], *arguments[i + 2 :]]
            yield ast.Call(function, swapped, node.keywords)


def _is_turned_anyway(test: ast.expr) -> bool:
    """Return whether another change of a condition is its negation."""
    is_equality = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq | ast.NotEq)
    return is_equality or (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not))


def _not(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _code_of(scope: Scope, path: Path) -> CodeType:
    """Return the code of a function, or that of an assignment."""
    body = ast.fix_missing_locations(ast.Module([scope], []))
    code = compile(body, str(path), "exec")
    if isinstance(scope, ast.Assign):
        return code
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return next(part for part in inner if part.co_name == scope.name)
