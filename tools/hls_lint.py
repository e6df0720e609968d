# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Refuses in kernels what HLS compilers refuse, or build from multipliers.

``python tools/hls_lint.py [FOLDER]`` prints a line for each finding and exits with 1 if there are
any; FOLDER is ``kernels``. A rule is a short function, and its docstring is what is printed where
the rule is broken. The rules look at clang's tree of every top, with all templates instantiated as
this top does it. What they are good for, compiler by compiler: docs/hardware/kernels.md.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clang import cindex
from clang.cindex import Cursor, CursorKind, StorageClass, TypeKind

# All that a kernel may include. So the tree needs no system's headers: it is the same everywhere.
HEADERS = {
    "cstddef": "namespace std { using size_t = __SIZE_TYPE__; }",
    "cstdint": "#define INT16_MAX __INT16_MAX__\n#define INT32_MAX __INT32_MAX__\nnamespace std {"
    + "".join(
        f"using int{bits}_t = __INT{bits}_TYPE__; using uint{bits}_t = __UINT{bits}_TYPE__;"
        for bits in (8, 16, 32, 64)
    )
    + "}",
}

# One HLS compiler takes a pointer for 64 bits, the other one for 32.
TARGETS = ("x86_64-linux-gnu", "i386-linux-gnu")

# All of clang's warnings but those about C++98, the layout of structs and pointers as such.
SILENT = ["c++98-compat", "c++98-compat-pedantic", "padded", "unknown-pragmas"]
SILENT += ["unsafe-buffer-usage"]
FLAGS = ["-std=c++14", "-nostdinc", "-Weverything", *(f"-Wno-{name}" for name in SILENT)]


class Finding(NamedTuple):
    """One place where a rule is broken."""

    path: Path
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


NodeRule = Callable[[Cursor], bool]
LineRule = Callable[[str], bool]
NODE_RULES: dict[str, NodeRule] = {}
LINE_RULES: dict[str, LineRule] = {}
BURST = "burst"
BURST_TEXT = (
    "what touches memory is a burst, alone in a function that is not inlined (#pragma HLS INLINE "
    "off): one loop, and of each bundle one access; what shares a region with another is moved "
    "word by word"
)
DATAFLOW_PORT = "dataflow-port"
DATAFLOW_PORT_TEXT = (
    "in a DATAFLOW region a bundle belongs to one process: two at one port wait for each other, "
    "and may lose their bursts"
)
RECURSION = "recursion"
RECURSION_TEXT = "a call would need a stack, which hardware has not; write a loop"
WARNING = "warning"  # what clang itself says


def name_of(function: Callable[..., bool]) -> str:
    return function.__name__.replace("_", "-")


def text_of(function: Callable[..., bool]) -> str:
    return " ".join((function.__doc__ or "").split())


def node_rule(function: NodeRule) -> NodeRule:
    """A rule that is asked of every node of the tree, and says whether the node breaks it."""
    NODE_RULES[name_of(function)] = function
    return function


def line_rule(function: LineRule) -> LineRule:
    """A rule that is asked of every line of every file."""
    LINE_RULES[name_of(function)] = function
    return function


def rule_names() -> list[str]:
    return [*LINE_RULES, WARNING, *NODE_RULES, BURST, DATAFLOW_PORT, RECURSION]


# What the Python bindings of clang leave out.

LIBRARY = cindex.conf.lib
LIBRARY.clang_Cursor_Evaluate.argtypes = [Cursor]
LIBRARY.clang_Cursor_Evaluate.restype = ctypes.c_void_p
LIBRARY.clang_EvalResult_getKind.argtypes = [ctypes.c_void_p]
LIBRARY.clang_EvalResult_getAsLongLong.argtypes = [ctypes.c_void_p]
LIBRARY.clang_EvalResult_getAsLongLong.restype = ctypes.c_longlong
LIBRARY.clang_EvalResult_dispose.argtypes = [ctypes.c_void_p]
LIBRARY.clang_EvalResult_dispose.restype = None
LIBRARY.clang_getCursorBinaryOperatorKind.argtypes = [Cursor]
LIBRARY.clang_getCursorUnaryOperatorKind.argtypes = [Cursor]
EVALUATED_TO_INTEGER = 1


class Binary(IntEnum):
    """Two operands."""

    MULTIPLY = 3
    DIVIDE = 4
    REMAINDER = 5
    ADD = 6
    SUBTRACT = 7
    LESS = 11
    GREATER = 12
    LESS_EQUAL = 13
    GREATER_EQUAL = 14
    ASSIGN = 22
    MULTIPLY_ASSIGN = 23
    DIVIDE_ASSIGN = 24
    REMAINDER_ASSIGN = 25
    ADD_ASSIGN = 26
    SUBTRACT_ASSIGN = 27


class Unary(IntEnum):
    """One operand."""

    POST_INCREMENT = 1
    POST_DECREMENT = 2
    PRE_INCREMENT = 3
    PRE_DECREMENT = 4
    ADDRESS = 5
    DEREFERENCE = 6


BINARY_NODES = {CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR}
FUNCTIONS = {
    CursorKind.FUNCTION_DECL,
    CursorKind.CXX_METHOD,
    CursorKind.CONSTRUCTOR,
    CursorKind.DESTRUCTOR,
    CursorKind.CONVERSION_FUNCTION,
}
TEMPLATES = {
    CursorKind.FUNCTION_TEMPLATE,
    CursorKind.CLASS_TEMPLATE,
    CursorKind.CLASS_TEMPLATE_PARTIAL_SPECIALIZATION,
}
VARIABLES = {CursorKind.VAR_DECL, CursorKind.PARM_DECL, CursorKind.FIELD_DECL}
REFERENCES = {TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE}


def binary(node: Cursor) -> int:
    """The operator of two operands, 0 if it is none."""
    return LIBRARY.clang_getCursorBinaryOperatorKind(node) if node.kind in BINARY_NODES else 0


def unary(node: Cursor) -> int:
    """The operator of one operand, 0 if it is none."""
    is_unary = node.kind == CursorKind.UNARY_OPERATOR
    return LIBRARY.clang_getCursorUnaryOperatorKind(node) if is_unary else 0


def children(node: Cursor) -> list[Cursor]:
    return list(node.get_children())


def constant(node: Cursor) -> int | None:
    """The value of an integer expression that the compiler knows."""
    result = LIBRARY.clang_Cursor_Evaluate(node)
    if not result:
        return None
    try:
        if LIBRARY.clang_EvalResult_getKind(result) != EVALUATED_TO_INTEGER:
            return None
        return int(LIBRARY.clang_EvalResult_getAsLongLong(result))
    finally:
        LIBRARY.clang_EvalResult_dispose(result)


def variables_in(node: Cursor) -> list[Cursor]:
    """The variables that an expression names, in their order."""
    named = [n.referenced for n in node.walk_preorder() if n.kind == CursorKind.DECL_REF_EXPR]
    return [v for v in named if v is not None and v.kind in VARIABLES]


def callee(node: Cursor) -> Cursor | None:
    """The function that a call names; None for any other node, and for a call of a pointer."""
    if node.kind != CursorKind.CALL_EXPR:
        return None
    function = node.referenced
    return function if function is not None and function.kind in FUNCTIONS else None


def element(kind: cindex.Type) -> cindex.Type:
    """Of an array of arrays, or the type itself."""
    while kind.kind == TypeKind.CONSTANTARRAY:
        kind = kind.element_type
    return kind


def pointee(kind: cindex.Type) -> cindex.Type:
    """What a pointer or reference points to, or the type itself."""
    return kind.get_pointee() if kind.kind in (TypeKind.POINTER, *REFERENCES) else kind


def pointer(kind: cindex.Type) -> bool:
    return kind.get_canonical().kind == TypeKind.POINTER


def holds_pointers(record: cindex.Type) -> bool:
    """Whether a struct, or one in it, has pointers; no other type does."""
    fields = [element(field.type.get_canonical()) for field in record.get_fields()]
    return any(pointer(field) or holds_pointers(field) for field in fields)


def power_of_two(size: int) -> bool:
    return size > 0 and size & (size - 1) == 0


@cache
def lines_of(path: str) -> tuple[str, ...]:
    return tuple(Path(path).read_text(encoding="utf-8").splitlines())


def pragma_between(node: Cursor, first: int, last: int, name: str) -> bool:
    """Whether one of the lines from `first` to `last` is this pragma."""
    pragma = re.compile(rf"#pragma HLS {name}\b")
    lines = lines_of(node.location.file.name)[first - 1 : last]
    return any(pragma.match(line.strip()) for line in lines)


def pragmas_in(function: Cursor, pattern: str) -> list[tuple[str, ...]]:
    """What a pattern with groups finds in the pragmas of a function, in their order."""
    first, last = function.extent.start.line, function.extent.end.line
    lines = lines_of(function.location.file.name)[first - 1 : last]
    found = [re.match(rf"\s*#pragma HLS {pattern}", line) for line in lines]
    return [match.groups() for match in found if match]


def is_first_pragma(loop: Cursor, body: Cursor, name: str) -> bool:
    """Whether a pragma stands before the first statement of a loop's body."""
    statements = children(body)
    first, last = body.extent.start.line, (statements or [body])[0].extent.start.line
    return pragma_between(loop, first, last, name)


# Files.

PRAGMAS = {
    "ARRAY_PARTITION",
    "DATAFLOW",
    "DEPENDENCE",
    "INLINE",
    "INTERFACE",
    "LOOP_TRIPCOUNT",
    "PIPELINE",
    "STREAM",
    "UNROLL",
}


@line_rule
def include(line: str) -> bool:
    """only <cstdint>, <cstddef> and "kernels/..." exist in every HLS compiler"""
    found = re.match(r"\s*#\s*include\b\s*(.*)", line)
    return bool(found) and not re.fullmatch(r'<cstdint>|<cstddef>|"kernels/\w+\.hpp"', found[1])


@line_rule
def preprocessor(line: str) -> bool:
    """no macros (N and M are macros of compilers' headers) and no second version of the code
    under #if: what is tested must be what is built; take constexpr and templates"""
    found = re.match(r"\s*#\s*(include|pragma\s+once|pragma\s+HLS)?\b", line)
    return bool(found) and not found[1]


@line_rule
def pragma(line: str) -> bool:
    """not one of those that kernels use: a misspelt pragma is silently left out"""
    found = re.match(r"\s*#\s*pragma\s+HLS\s*(\w*)", line)
    return bool(found) and found[1] not in PRAGMAS


@line_rule
def reserved_name(line: str) -> bool:
    """it means something else, or nothing, to another compiler: N and M are macros in headers of
    one, two underscores and [[..]] mark what only one knows"""
    code = line.split("//")[0]
    return "#" not in code and bool(re.search(r"\b[NM]\b|__|\[\[", code))


@line_rule
def destructor(line: str) -> bool:
    """there is nothing to free, and it runs where no call of it stands"""
    return bool(re.search(r"~\s*\w+\s*\(\s*\)", line.split("//")[0]))


# Memory.


@node_rule
def dynamic_memory(node: Cursor) -> bool:
    """hardware has no heap: memories have constant sizes"""
    return node.kind in (CursorKind.CXX_NEW_EXPR, CursorKind.CXX_DELETE_EXPR)


@node_rule
def variable_array(node: Cursor) -> bool:
    """the size of a memory must be known when it is built: give the array its largest size"""
    kinds = (TypeKind.VARIABLEARRAY, TypeKind.INCOMPLETEARRAY)
    return node.kind in VARIABLES and node.type.get_canonical().kind in kinds


@node_rule
def static_state(node: Cursor) -> bool:
    """state outlives a call, and is shared by all threads of the emulation: pass it as argument"""
    if node.kind != CursorKind.VAR_DECL:
        return False
    local = node.semantic_parent.kind in FUNCTIONS and node.storage_class != StorageClass.STATIC
    kind = node.type.get_canonical()
    return not local and not (kind.is_const_qualified() or element(kind).is_const_qualified())


@node_rule
def address(node: Cursor) -> bool:
    """a variable with an address is a memory of its own, and what changes it cannot be seen: pass
    it by reference"""
    return unary(node) == Unary.ADDRESS


@node_rule
def pointer_to_pointer(node: Cursor) -> bool:
    """an address in a memory could be that of any memory: pointers are arguments, one star each"""
    if node.kind not in VARIABLES:
        return False
    kind = node.type.get_canonical()
    held = element(kind if kind.kind == TypeKind.CONSTANTARRAY else pointee(kind))
    return held != kind and pointer(held)


@node_rule
def pointer_in_struct(node: Cursor) -> bool:
    """a function that gets a struct of pointers gets pointers to pointers, unless it is inlined:
    give it #pragma HLS INLINE, or the pointers themselves"""
    function = node.semantic_parent
    if node.kind != CursorKind.PARM_DECL or not function.is_definition():
        return False
    if not holds_pointers(pointee(node.type.get_canonical())):
        return False
    extent = function.extent
    return not pragma_between(function, extent.start.line, extent.end.line, "INLINE")


@node_rule
def pointer_cast(node: Cursor) -> bool:
    """a memory has one width: its elements cannot be taken for others"""
    casts = (
        CursorKind.CXX_REINTERPRET_CAST_EXPR,
        CursorKind.CSTYLE_CAST_EXPR,
        CursorKind.CXX_STATIC_CAST_EXPR,
        CursorKind.CXX_FUNCTIONAL_CAST_EXPR,
    )
    if node.kind not in casts:
        return False
    types = [node.type, *(child.type for child in children(node)[-1:])]
    return any(map(pointer, types))


# Arithmetic.


@node_rule
def floating_point(node: Cursor) -> bool:
    """kernels compute with integers: floating point costs DSPs and rounds differently elsewhere"""
    if not (node.kind in VARIABLES or node.kind in FUNCTIONS or node.kind.is_expression()):
        return False
    kind = node.result_type if node.kind in FUNCTIONS else node.type
    return bool(
        re.search(r"\b(float|double|half|__fp16|_Float16)\b", kind.get_canonical().spelling)
    )


@node_rule
def multiplication(node: Cursor) -> bool:
    """a multiplier, in data or in an address: shift, add, or keep a running pointer"""
    operators = (Binary.MULTIPLY, Binary.MULTIPLY_ASSIGN)
    return binary(node) in operators and constant(node) is None


@node_rule
def division(node: Cursor) -> bool:
    """a divider of many cycles and LUTs: shift right, or mask, by a power of two"""
    operators = (Binary.DIVIDE, Binary.REMAINDER, Binary.DIVIDE_ASSIGN, Binary.REMAINDER_ASSIGN)
    return binary(node) in operators and constant(node) is None


@node_rule
def stride(node: Cursor) -> bool:
    """the address of an element is its number times its size, and this size is no power of two:
    a hidden multiplier; pad the array"""
    if node.kind == CursorKind.ARRAY_SUBSCRIPT_EXPR:
        size, number = node.type.get_size(), children(node)[1]
        return not power_of_two(size) and constant(number) is None
    moves = (Binary.ADD, Binary.SUBTRACT, Binary.ADD_ASSIGN, Binary.SUBTRACT_ASSIGN)
    if binary(node) not in moves or not pointer(node.type):
        return False
    known = any(constant(operand) is not None for operand in children(node))
    return not power_of_two(pointee(node.type.get_canonical()).get_size()) and not known


@node_rule
def pointer_difference(node: Cursor) -> bool:
    """the difference of two pointers is a division, of addresses that hardware may not have:
    count instead"""
    return binary(node) == Binary.SUBTRACT and all(pointer(c.type) for c in children(node))


# Control.


@node_rule
def exception(node: Cursor) -> bool:
    """nobody could catch it: leave a number in an argument"""
    return node.kind in (
        CursorKind.CXX_TRY_STMT,
        CursorKind.CXX_CATCH_STMT,
        CursorKind.CXX_THROW_EXPR,
    )


@node_rule
def jump(node: Cursor) -> bool:
    """a goto makes loops that no compiler can schedule"""
    return node.kind in (
        CursorKind.GOTO_STMT,
        CursorKind.INDIRECT_GOTO_STMT,
        CursorKind.ADDR_LABEL_EXPR,
    )


@node_rule
def assembly(node: Cursor) -> bool:
    """instructions of a CPU"""
    return node.kind in (CursorKind.ASM_STMT, CursorKind.MS_ASM_STMT)


@node_rule
def virtual(node: Cursor) -> bool:
    """which function it is must be known when the hardware is built: take a template"""
    kinds = (CursorKind.CXX_DYNAMIC_CAST_EXPR, CursorKind.CXX_TYPEID_EXPR)
    is_method = node.kind in (CursorKind.CXX_METHOD, CursorKind.DESTRUCTOR)
    return node.kind in kinds or (is_method and node.is_virtual_method())


@node_rule
def function_pointer(node: Cursor) -> bool:
    """which function is called must be known when the hardware is built: take a template"""
    if node.kind in VARIABLES:
        kind = pointee(element(node.type.get_canonical()))
        return kind.kind in (TypeKind.FUNCTIONPROTO, TypeKind.MEMBERPOINTER)
    if node.kind != CursorKind.CALL_EXPR:
        return False
    constructor = len(children(node)) == len(list(node.get_arguments()))
    return callee(node) is None and not constructor


@node_rule
def foreign_call(node: Cursor) -> bool:
    """HLS compilers have no library at run time, and builtins of one are not those of another:
    functions are defined in kernels/"""
    function = callee(node)
    return function is not None and function.get_definition() is None


# Loops.

LOOPS = (CursorKind.WHILE_STMT, CursorKind.DO_STMT, CursorKind.CXX_FOR_RANGE_STMT)


def step_of(node: Cursor) -> tuple[Cursor, int] | None:
    """What the step of a loop changes, and by how much."""
    if unary(node) in (Unary.PRE_INCREMENT, Unary.POST_INCREMENT):
        return children(node)[0], 1
    if unary(node) in (Unary.PRE_DECREMENT, Unary.POST_DECREMENT):
        return children(node)[0], -1
    if binary(node) in (Binary.ADD_ASSIGN, Binary.SUBTRACT_ASSIGN):
        target, step = children(node)
        size = constant(step)
        sign = 1 if binary(node) == Binary.ADD_ASSIGN else -1
        return None if size is None else (target, sign * size)
    return None


def written_by(node: Cursor) -> list[Cursor]:
    """The variables that this node, without those below it, writes or lets others write."""
    steps = (Unary.PRE_INCREMENT, Unary.POST_INCREMENT, Unary.PRE_DECREMENT, Unary.POST_DECREMENT)
    below = children(node)
    if unary(node) in steps or binary(node) >= Binary.ASSIGN:
        return targets(below[0])
    if node.kind == CursorKind.VAR_DECL and writable_reference(node.type):
        return targets(below[-1])
    function = callee(node)
    if function is None:
        return []
    passed = zip(node.get_arguments(), function.type.get_canonical().argument_types(), strict=False)
    written = [
        variable for a, kind in passed if writable_reference(kind) for variable in targets(a)
    ]
    if function.kind == CursorKind.CXX_METHOD and not function.is_const_method():
        written += targets(below[0])  # the object
    return written


def targets(node: Cursor) -> list[Cursor]:
    """The variable that an expression stands for, and that which it refers to."""
    found = variables_in(node)[:1]
    for variable in found:
        if variable.kind == CursorKind.VAR_DECL and variable.type.kind in REFERENCES:
            found = found + targets(children(variable)[-1])
    return found


def writable_reference(kind: cindex.Type) -> bool:
    return kind.kind in REFERENCES and not kind.get_pointee().is_const_qualified()


class Loop(NamedTuple):
    """A loop that counts a variable of its own up or down to a bound."""

    first: Cursor
    bound: Cursor
    body: Cursor


def counted(node: Cursor) -> Loop | None:
    """The parts of ``for (int i = first; i < bound; i += constant)``; None for any other loop."""
    parts = children(node)
    if len(parts) != 4 or parts[0].kind != CursorKind.DECL_STMT:
        return None
    declared, condition, advance, body = parts
    counters = children(declared)
    step = step_of(advance)
    if len(counters) != 1 or step is None:
        return None
    ways = {
        Binary.LESS: 1,
        Binary.LESS_EQUAL: 1,
        Binary.GREATER: -1,
        Binary.GREATER_EQUAL: -1,
    }
    way = ways.get(Binary(binary(condition)), 0) if binary(condition) in ways else 0
    if way == 0 or step[1] * way <= 0:
        return None
    left, bound = children(condition)
    if counters[0].type.get_canonical().kind != TypeKind.INT or bound.type.get_size() > 4:
        return None
    if variables_in(left) != counters or variables_in(step[0]) != counters:
        return None
    return Loop(children(counters[0])[-1], bound, body)


def in_memory(node: Cursor) -> bool:
    """Whether an expression follows a pointer, an unwritten `this` included."""
    nodes = list(node.walk_preorder())
    pointees = [pointee(n.type.get_canonical()).kind for n in nodes if pointer(n.type)]
    return any(kind != TypeKind.FUNCTIONPROTO for kind in pointees) or any(
        n.kind == CursorKind.MEMBER_REF_EXPR and not children(n) for n in nodes
    )


@node_rule
def unbounded_loop(node: Cursor) -> bool:
    """no proof that it ends: write for (int i = first; i < bound; i += constant), with an int as
    bound that stands in no memory and that, like i, the body does not change"""
    if node.kind in LOOPS:
        return True
    if node.kind != CursorKind.FOR_STMT:
        return False
    loop = counted(node)
    if loop is None or in_memory(loop.bound):
        return True
    written = [v for n in loop.body.walk_preorder() for v in written_by(n)]
    kept = [*variables_in(loop.bound), *children(children(node)[0])]
    return any(variable in written for variable in kept)


@node_rule
def trip_count(node: Cursor) -> bool:
    """how often it runs is known at run time only: say between what numbers, for reports, with
    #pragma HLS LOOP_TRIPCOUNT min = .. max = .. first in its body"""
    loop = counted(node) if node.kind == CursorKind.FOR_STMT else None
    if loop is None or None not in (constant(loop.first), constant(loop.bound)):
        return False
    statements = children(loop.body)
    if loop.body.kind != CursorKind.COMPOUND_STMT or not statements:
        return True
    return not is_first_pragma(node, loop.body, "LOOP_TRIPCOUNT")


@node_rule
def unroll(node: Cursor) -> bool:
    """UNROLL is for a whole loop whose bounds are constants: of any other one the copies have a
    test of its end between them, and no memory has a port for each"""
    if node.kind != CursorKind.FOR_STMT:
        return False
    body = children(node)[-1]
    if not is_first_pragma(node, body, "UNROLL"):
        return False
    loop = counted(node)
    bounds = (None,) if loop is None else (constant(loop.first), constant(loop.bound))
    return None in bounds or is_first_pragma(node, body, "UNROLL factor")


# Arrays.


def is_array(variable: Cursor) -> bool:
    return pointee(variable.type.get_canonical()).kind == TypeKind.CONSTANTARRAY


@node_rule
def array_pragma(node: Cursor) -> bool:
    """ARRAY_PARTITION and STREAM are for a plain array where it is defined: tools follow them into
    what is called, not back, and not into structs; DEPENDENCE is for a plain array, too"""
    if node.kind not in FUNCTIONS or not node.is_definition():
        return False
    below = list(node.walk_preorder())
    defined = {n.spelling for n in below if n.kind == CursorKind.VAR_DECL and is_array(n)}
    given = {n.spelling for n in node.get_arguments() if is_array(n)}
    named = pragmas_in(node, r"(ARRAY_PARTITION|STREAM|DEPENDENCE) variable = (\S+)")
    return any(
        name not in (defined | given if pragma == "DEPENDENCE" else defined)
        for pragma, name in named
    )


# Processes that run at the same time.


def holds_arrays(kind: cindex.Type) -> bool:
    """Whether a type is an array, or a struct with one in it."""
    kind = pointee(kind.get_canonical())
    if kind.kind == TypeKind.CONSTANTARRAY:
        return True
    return any(holds_arrays(field.type) for field in kind.get_fields())


def canonical(function: Cursor) -> bool:
    """Whether a function is one loop over calls that hand on what they make, each to one other."""
    statements = children(children(function)[-1])
    if len(statements) != 1 or statements[0].kind != CursorKind.FOR_STMT:
        return False
    loop, condition = counted(statements[0]), children(statements[0])[1]
    if loop is None or constant(loop.first) != 0 or binary(condition) != Binary.LESS:
        return False
    if step_of(children(statements[0])[2])[1:] != (1,):  # type: ignore[index]
        return False
    if not is_first_pragma(statements[0], loop.body, "DATAFLOW"):
        return False
    body = children(loop.body)
    declared = [v for n in body if n.kind == CursorKind.DECL_STMT for v in children(n)]
    calls = [n for n in body if n.kind == CursorKind.CALL_EXPR]
    if any(n.kind not in (CursorKind.DECL_STMT, CursorKind.CALL_EXPR) for n in body):
        return False
    return not any(initialised(v) for v in declared) and all(
        handed_on(variable, calls, variable in declared)
        for variable in {v.hash: v for call in calls for v in variables_in(call)}.values()
    )


def initialised(variable: Cursor) -> bool:
    """Whether a value is given to a variable where it is declared; a constructor is none."""
    if variable.type.get_canonical().kind == TypeKind.CONSTANTARRAY:
        return any(n.kind == CursorKind.INIT_LIST_EXPR for n in children(variable))
    values = [n for n in children(variable) if n.kind.is_expression()]
    return any(n.kind != CursorKind.CALL_EXPR or children(n) for n in values)


def handed_on(variable: Cursor, calls: list[Cursor], is_local: bool) -> bool:
    """Whether one call alone writes a variable, and one alone reads what is no single number."""
    users = [call for call in calls if variable in variables_in(call)]
    writers = [call for call in users if variable in written_by(call)]
    if is_local:
        readers = len(users) - len(writers)
        alone = readers == 1 or not holds_arrays(variable.type)
        return len(writers) == 1 and users[0] == writers[0] and alone
    shared = pointer(variable.type) or holds_arrays(variable.type)
    return len(users) == 1 if shared or writers else True


@node_rule
def dataflow(node: Cursor) -> bool:
    """DATAFLOW is right only in the canonical form, else hardware may differ silently: a function
    that is one loop from 0 up by 1, the pragma first in its body, then variables without values and
    calls, each array written by one call and read by one after it, each pointer in one call"""
    if node.kind not in FUNCTIONS or not node.is_definition():
        return False
    first, last = node.extent.start.line, node.extent.end.line
    return pragma_between(node, first, last, "DATAFLOW") and not canonical(node)


# Tops.


def register(kind: cindex.Type) -> bool:
    return kind.kind in (TypeKind.INT, TypeKind.UINT)


@node_rule
def interface(node: Cursor) -> bool:
    """a top takes 32-bit integers and pointers to integers, and returns nothing: extern "C"
    void NAME_top(...), so that any compiler, testbench or host can call it"""
    if node.kind != CursorKind.FUNCTION_DECL or not node.spelling.endswith("_top"):
        return False
    integers = (TypeKind.CHAR_S, TypeKind.SCHAR, TypeKind.UCHAR, TypeKind.SHORT, TypeKind.USHORT)
    longs = (TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG)
    kinds = [argument.type.get_canonical() for argument in node.get_arguments()]
    pointees = [k.get_pointee() for k in kinds if k.kind == TypeKind.POINTER]
    return not (
        node.mangled_name == node.spelling
        and node.result_type.kind == TypeKind.VOID
        and all(register(k) for k in kinds if k.kind != TypeKind.POINTER)
        and all(register(p) or p.kind in (*integers, *longs) for p in pointees)
    )


@node_rule
def port_width(node: Cursor) -> bool:
    """a memory port is of 64-bit words, as wide as the processor's: what is narrower lies side by
    side in them and is taken apart by shifts; a bundle of two widths has no bursts, or is wrong"""
    if node.kind != CursorKind.FUNCTION_DECL or not node.is_definition():
        return False
    ports = {name for (name,) in pragmas_in(node, r"INTERFACE m_axi port = (\w+)")}
    pointees = [
        pointee(a.type.get_canonical()) for a in node.get_arguments() if a.spelling in ports
    ]
    return any(kind.kind not in (TypeKind.ULONG, TypeKind.ULONGLONG) for kind in pointees)


# Memory ports: which of them a pointer may be, from the tops on.

Ports = frozenset[str]


def bare(node: Cursor) -> Cursor:
    """An expression without brackets and without what the compiler converts on its own."""
    while node.kind in (CursorKind.UNEXPOSED_EXPR, CursorKind.PAREN_EXPR):
        inner = children(node)
        if len(inner) != 1:
            return node
        node = inner[0]
    return node


def accessed(node: Cursor) -> Cursor | None:
    """The pointer that a node follows."""
    if node.kind != CursorKind.ARRAY_SUBSCRIPT_EXPR and unary(node) != Unary.DEREFERENCE:
        return None
    base = bare(children(node)[0])
    return base if pointer(base.type) else None


class PortMap:
    """The bundles that the pointers of a function stand for.

    Args:
        function: its definition.
        given: of its arguments, by their names.
        bundles: of the ports.
    """

    def __init__(self, function: Cursor, given: dict[str, Ports], bundles: dict[str, str]) -> None:
        self.function, self.bundles = function, bundles
        self.known = dict(given)
        for node in function.walk_preorder():
            if node.kind == CursorKind.VAR_DECL and pointer(node.type) and children(node):
                self.known[node.spelling] = self.of(children(node)[-1])

    def of(self, expression: Cursor) -> Ports:
        """The bundles of the pointers in an expression: a record's fields are named as ports."""
        found: set[str] = set()
        for node in expression.walk_preorder():
            if not pointer(node.type):
                continue
            if node.kind == CursorKind.MEMBER_REF_EXPR and node.spelling in self.bundles:
                found.add(self.bundles[node.spelling])
            elif node.kind == CursorKind.DECL_REF_EXPR:
                found |= self.known.get(node.spelling, Ports())
        return frozenset(found)

    def handed_on(self, call: Cursor) -> list[Ports]:
        """The bundles of each argument of a call; numbers have none."""
        kinds = [(a, a.type.get_canonical()) for a in call.get_arguments()]
        return [
            self.of(a) if pointer(k) or holds_pointers(pointee(k)) else Ports() for a, k in kinds
        ]

    def accesses(self) -> list[tuple[Cursor, Ports]]:
        """The accesses of memory in this function, but not of what it calls."""
        nodes = list(self.function.walk_preorder())
        found = [(node, self.of(base)) for node in nodes if (base := accessed(node)) is not None]
        return [(node, ports) for node, ports in found if ports]

    def is_burst(self) -> bool:
        """Whether all that it does to memory is one burst."""
        ports = [ports for _, ports in self.accesses()]
        nodes = list(self.function.walk_preorder())
        calls = [node for node in nodes if callee(node) is not None]
        return (
            bool(pragmas_in(self.function, r"(INLINE) off"))
            and sum(map(len, ports)) == len(frozenset().union(*ports))
            and len(outermost_loops(self.function)) <= 1
            and not any(any(self.handed_on(call)) for call in calls)
        )

    def is_shared(self) -> bool:
        """Whether two of its calls touch one bundle."""
        calls = [node for node in self.function.walk_preorder() if callee(node) is not None]
        touched = [frozenset().union(*self.handed_on(call)) for call in calls]
        return sum(map(len, touched)) != len(frozenset().union(*touched))


def outermost_loops(node: Cursor) -> list[Cursor]:
    if node.kind == CursorKind.FOR_STMT:
        return [node]
    return [loop for child in children(node) for loop in outermost_loops(child)]


# The search.


class Tree:
    """One top as one compiler sees it.

    `functions` and `calls` hold, by clang's names, all plain functions and all templates that they
    need, as instantiated, and which of them each calls.
    """

    def __init__(self, top: Path, root: Path, target: str) -> None:
        self.root = root
        folder = "/hls/"  # of headers that are given here
        flags = [*FLAGS, f"--target={target}", f"-I{root}", f"-isystem{folder}"]
        headers = [(folder + name, "#pragma once\n" + text) for name, text in HEADERS.items()]
        self.unit = cindex.Index.create().parse(str(top), flags, headers)
        own = [node for node in self.unit.cursor.get_children() if self.own(node)]
        self.plain = [node for top_level in own for node in outside_templates(top_level)]
        self.functions: dict[str, Cursor] = {}
        self.calls: dict[str, list[str]] = {}
        self.follow([n for n in self.plain if n.kind in FUNCTIONS and n.is_definition()])

    def own(self, node: Cursor) -> bool:
        file = node.location.file
        return file is not None and Path(file.name).is_relative_to(self.root)

    def follow(self, ahead: list[Cursor]) -> None:
        """Enters functions, and all that they call."""
        while ahead:
            function = ahead.pop()
            name = function.get_usr()
            if name not in self.functions:
                called = self.callees(function)
                self.functions[name] = function
                self.calls[name] = [definition.get_usr() for definition in called]
                ahead.extend(called)

    def callees(self, function: Cursor) -> list[Cursor]:
        called = [callee(node) for node in outside_templates(function)]
        defined = [f.get_definition() for f in called if f is not None and self.own(f)]
        return [definition for definition in defined if definition is not None]

    def nodes(self) -> Iterator[Cursor]:
        """All nodes: of what is no template, and of the templates' instances that are called."""
        yield from self.plain
        names = {node.get_usr() for node in self.plain if node.kind in FUNCTIONS}
        for name, function in self.functions.items():
            if name not in names:
                yield from outside_templates(function)

    def finding(self, node: Cursor, rule: str, text: str) -> Finding:
        path = Path(node.location.file.name).relative_to(self.root)
        return Finding(path, node.location.line, rule, text)

    def warnings(self) -> Iterator[Finding]:
        for said in self.unit.diagnostics:
            yield self.finding(said, WARNING, said.spelling)

    def port_maps(self) -> Iterator[PortMap]:
        """Of all functions that a top hands pointers to, each with all that it is ever given."""
        tops = [f for f in self.functions.values() if f.spelling.endswith("_top")]
        for top in tops:
            bundles = dict(pragmas_in(top, r"INTERFACE m_axi port = (\w+).* bundle = (\w+)"))
            given: dict[str, dict[str, Ports]] = {}
            first = {name: frozenset([bundle]) for name, bundle in bundles.items()}
            ahead = [(top, first)]
            while ahead:
                function, ports = ahead.pop()
                before = given.get(function.get_usr())
                now = {k: v | (before or {}).get(k, Ports()) for k, v in ports.items()}
                if now == before:
                    continue
                given[function.get_usr()] = now
                ahead += self.handed_on(PortMap(function, now, bundles))
            yield from (
                PortMap(self.functions[name], ports, bundles) for name, ports in given.items()
            )

    def handed_on(self, ports: PortMap) -> Iterator[tuple[Cursor, dict[str, Ports]]]:
        for node in ports.function.walk_preorder():
            function = callee(node)
            definition = None if function is None else function.get_definition()
            if definition is not None and definition.get_usr() in self.functions:
                names = [a.spelling for a in definition.get_arguments()]
                yield definition, dict(zip(names, ports.handed_on(node), strict=False))

    def port_findings(self) -> Iterator[Finding]:
        for ports in self.port_maps():
            if ports.accesses() and not ports.is_burst():
                yield self.finding(ports.function, BURST, BURST_TEXT)
            if pragmas_in(ports.function, r"(DATAFLOW)") and ports.is_shared():
                yield self.finding(ports.function, DATAFLOW_PORT, DATAFLOW_PORT_TEXT)

    def recursions(self) -> Iterator[Finding]:
        for name, function in self.functions.items():
            if name in self.reached_from(name):
                yield self.finding(function, RECURSION, RECURSION_TEXT)

    def reached_from(self, name: str) -> set[str]:
        reached: set[str] = set()
        ahead = [*self.calls[name]]
        while ahead:
            called = ahead.pop()
            if called not in reached:
                reached.add(called)
                ahead.extend(self.calls[called])
        return reached


def outside_templates(node: Cursor) -> Iterator[Cursor]:
    """A node and all below it but templates: what these mean is known where they are used."""
    if node.kind not in TEMPLATES:
        yield node
        for child in node.get_children():
            yield from outside_templates(child)


def check_lines(path: Path, root: Path) -> Iterator[Finding]:
    """What the text of a file breaks."""
    for number, line in enumerate(lines_of(str(path)), 1):
        for name, rule in LINE_RULES.items():
            if rule(line):
                yield Finding(path.relative_to(root), number, name, text_of(rule))


def check_top(top: Path, root: Path) -> Iterator[Finding]:
    """What a top, and all that it calls, breaks."""
    for target in TARGETS:
        tree = Tree(top, root, target)
        yield from tree.warnings()
    for node in tree.nodes():
        for name, rule in NODE_RULES.items():
            if rule(node):
                yield tree.finding(node, name, text_of(rule))
    yield from tree.port_findings()
    yield from tree.recursions()


def check(folder: Path) -> list[Finding]:
    """All findings in a folder named ``kernels``, each once, by place."""
    root = folder.resolve().parent
    files = sorted(path for path in folder.resolve().iterdir() if path.suffix in (".hpp", ".cpp"))
    found = {finding for path in files for finding in check_lines(path, root)}
    if not any(finding.rule == name_of(include) for finding in found):
        tops = [path for path in files if path.name.endswith("_top.cpp")]
        found.update(f for top in tops for f in check_top(top, root))
    return sorted(found)


def main() -> int:
    """The command."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "kernels")
    if not list(folder.glob("*_top.cpp")):
        print(f"{folder} holds no NAME_top.cpp: give the folder of the kernels", file=sys.stderr)
        return 2
    findings = check(folder)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
