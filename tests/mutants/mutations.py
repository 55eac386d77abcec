"""Make small faults, one at a time: inverted comparisons, removed calls, dead branches, swallowed errors."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

OPPOSITES = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutation:
    """One fault: in which file, in which lines, what it does, and how the module with it is made."""

    path: Path
    first: int
    last: int
    kind: str
    tree: Callable[[], ast.Module]


def mutations(path: Path) -> Iterator[Mutation]:
    """Yield every fault that can be put into the functions of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in list(_in_functions(tree)):
        for kind, changed in _changes(node):
            yield Mutation(path, node.lineno, _last_line(node), kind, partial(_replaced, tree, node, changed))


def _in_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes of all function bodies; code that runs at import is left alone."""
    for outer in ast.walk(tree):
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and not getattr(outer, "is_inner", False):
            for statement in outer.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                        node.is_inner = True
                    if hasattr(node, "lineno"):
                        yield node


def _last_line(node: ast.AST) -> int:
    """Return the last line that always runs with *node*, which is the head of a compound statement."""
    body = getattr(node, "body", None)
    return body[0].lineno - 1 if isinstance(body, list) and body[0].lineno > node.lineno else node.end_lineno


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Compare(ops=[operator]):
            yield _turned(node, OPPOSITES[type(operator)])
        case ast.BoolOp() | ast.BinOp() if type(node.op) in SWAPPED:
            swapped = SWAPPED[type(node.op)]
            yield f"{type(node.op).__name__} -> {swapped.__name__}", _with(node, op=swapped())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "not x -> x", operand
        case ast.If() | ast.IfExp() | ast.While():
            yield "if x -> if False", _with(node, test=ast.Constant(False))
            if not isinstance(node, ast.While):
                yield "if x -> if True", _with(node, test=ast.Constant(True))
        case ast.Expr(value=ast.Call() | ast.Await(value=ast.Call())):
            yield f"no {_called(node.value)}()", ast.Pass()
        case ast.Raise():
            yield "raise -> pass", ast.Pass()
        case ast.ExceptHandler(type=ast.expr()):
            yield "except X -> except nothing", _with(node, type=ast.Tuple([], ast.Load()))
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return x -> return None", _with(node, value=ast.Constant(None))
        case ast.Constant(value=bool(value)):
            yield f"{value} -> {not value}", _with(node, value=not value)
        case ast.Constant(value=int(value)):
            yield f"{value} -> {value + 1}", _with(node, value=value + 1)


def _turned(node: ast.Compare, operator: type[ast.cmpop]) -> tuple[str, ast.AST]:
    return f"{type(node.ops[0]).__name__} -> {operator.__name__}", _with(node, ops=[operator()])


def _called(value: ast.expr) -> str:
    call = value.value if isinstance(value, ast.Await) else value
    return ast.unparse(call.func)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replaced(tree: ast.Module, node: ast.AST, changed: ast.AST) -> ast.Module:
    """Return a copy of *tree* with *changed* in place of *node*."""
    # A deep copy takes nodes from its memo, so *changed* replaces *node*.
    changed = copy.deepcopy(changed)
    return ast.fix_missing_locations(copy.deepcopy(tree, {id(node): ast.copy_location(changed, node)}))
