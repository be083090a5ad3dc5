"""How source code is made wrong in one place: the mutants that mutants.py tries."""

import ast
import builtins
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLUGIN = "chainette_functions"
SAMPLE = 6  # mutants a subject


@dataclass(frozen=True)
class Mutant:
    """One change: ``place`` is the function or method, ``was`` and ``becomes`` are the lines that it concerns."""

    file: str
    place: str
    line: int
    was: str
    becomes: str
    source: str = field(repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        return self.file, self.place, self.was, self.becomes


@dataclass
class Subject:
    """What is made wrong: a public function with its own classes, or a module that several functions share."""

    name: str
    functions: set[str]  # whose tests are to notice
    mutants: list[Mutant]

    def sample(self) -> list[Mutant]:
        """As many as SAMPLE: always the same ones, and at least one of a backward and one of something else."""
        chosen = sorted(self.mutants, key=lambda mutant: hashlib.sha256("\n".join(mutant.key).encode()).digest())
        backward = [mutant for mutant in chosen if mutant.place.endswith(".backward")]
        forward = [mutant for mutant in chosen if not mutant.place.endswith(".backward")]
        first = [*forward[:1], *backward[:1]]
        return [*first, *[mutant for mutant in chosen if mutant not in first]][:SAMPLE]


FLIPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Eq: ast.NotEq, ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.Add: ast.Sub,
}  # fmt: skip
FLIPPED |= {new: old for old, new in FLIPPED.items()}
NUMBERS = {0: 1, 1: 2, 0.5: 1.0}


def changes(node: ast.AST, parent: ast.AST) -> Iterator[str]:
    """The texts that may stand in the place of a node."""
    match node:
        case ast.BinOp(left, op, right):
            yield ast.unparse(left)
            if type(op) in FLIPPED:
                yield ast.unparse(ast.BinOp(left, FLIPPED[type(op)](), right))
        case ast.BoolOp(op, [*first, _]):
            yield ast.unparse(ast.BoolOp(op, first) if len(first) > 1 else first[0])
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield ast.unparse(operand)
        case ast.AugAssign(target, op, value):
            yield "pass"
            if type(op) in FLIPPED:
                yield ast.unparse(ast.AugAssign(target, FLIPPED[type(op)](), value))
        case ast.Compare(left, ops, comparators):
            for i, op in enumerate(ops):
                yield ast.unparse(ast.Compare(left, [*ops[:i], FLIPPED[type(op)](), *ops[i + 1 :]], comparators))
        case ast.Constant(bool() as flag):
            yield str(not flag)
        case ast.Constant(int() | float() as number):
            is_argument = isinstance(parent, (ast.Call, ast.keyword))  # most likely an axis
            yield "0" if is_argument and number == 1 else repr(NUMBERS.get(number, number + 1))
        case ast.Tuple([first, second], ast.Load()) if ast.dump(first) != ast.dump(second):
            if "isinstance" not in ast.unparse(parent) and not isinstance(parent, ast.Compare):  # those are sets
                yield f"{ast.unparse(second)}, {ast.unparse(first)}"
        case ast.Call(ast.Attribute(ast.Name("xp") | ast.Attribute(attr="xp")), [only], []):
            if not isinstance(only, ast.Starred):
                yield ast.unparse(only)
        case ast.Call(ast.Name(name), [only], []) if name[0].islower() and not isinstance(only, ast.Starred):
            if name == "abs" or not (hasattr(builtins, name) or name == "as_variable"):
                yield ast.unparse(only)


def places(node: ast.AST, parent: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """The nodes from this one on, each with its parent, without annotations, texts and checks of arguments."""
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Constant(str()):
            return
        case ast.Expr(ast.Call() as call) if ast.unparse(call).startswith("require_"):
            return
        case ast.keyword("strict" | "copy"):  # of zip and astype: no value depends on them
            return
        case ast.If(body=[*_, ast.Raise()], orelse=orelse):
            children: Any = orelse
        case ast.FunctionDef(body=body):
            children = body
        case ast.AnnAssign(value=value):
            children = [value] if value else []
        case _:
            yield node, parent
            children = ast.iter_child_nodes(node)
    for child in children:
        yield from places(child, node)


class Module:
    """A module's source, what it defines and imports, and which of its functions are public."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder.joinpath(*name.split("."))
        self.file = name.replace(".", "/") + ".py"
        self.source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
        self.tree = ast.parse(self.source)
        kinds = (ast.FunctionDef, ast.ClassDef)
        self.definitions = {node.name: node for node in self.tree.body if isinstance(node, kinds)}
        found = [node for node in self.tree.body if isinstance(node, ast.ImportFrom)]
        self.imports = {
            each.asname or each.name: (node.module or "", each.name) for node in found for each in node.names
        }
        self.public: set[str] = set()

    def parts(self, name: str) -> dict[str, ast.AST]:
        """A function, or what stands in the body of a class, by the names of the methods."""
        node = self.definitions[name]
        if isinstance(node, ast.FunctionDef):
            return {name: node}
        return {f"{name}.{getattr(part, 'name', part.lineno)}": part for part in node.body}

    def reached(self, function: str) -> dict[str, ast.AST]:
        """The function, and what it reaches of this module's helpers and methods, but no other public function."""
        names, used, attributes = [function], {function}, {"", "__init__", "forward", "backward"}
        heirs: dict[str, set[str]] = {}
        for name in names:
            for node in (node for part in self.parts(name).values() for node in ast.walk(part)):
                if isinstance(node, ast.Name) and node.id in self.definitions.keys() - self.public:
                    used.add(node.id)
                attributes |= {node.attr} if isinstance(node, ast.Attribute) else set()
            for base in getattr(self.definitions[name], "bases", []):
                heirs.setdefault(ast.unparse(base), set()).add(name)
            names += sorted(((used | heirs.keys()) & self.definitions.keys()) - set(names))
        found = {}
        for name in names:
            for place, part in self.parts(name).items():
                method = place.partition(".")[2]
                hidden = name not in used and all(f"{heir}.{method}" in self.parts(heir) for heir in heirs[name])
                if not hidden and (method in attributes or not isinstance(part, ast.FunctionDef)):
                    found[place] = part
        return found

    def mutants(self, parts: dict[str, ast.AST]) -> list[Mutant]:
        found: dict[str, Mutant] = {}
        for place, part in parts.items():
            for changed, parent in places(part, part):
                for text in changes(changed, parent):
                    mutant = self.mutant(place, changed, text)
                    found.setdefault(mutant.source, mutant)
        return list(found.values())

    def mutant(self, place: str, node: Any, text: str) -> Mutant:
        lines = self.source.encode().splitlines(keepends=True)  # offsets count bytes
        first, last = node.lineno - 1, node.end_lineno - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        is_index = isinstance(node, ast.Tuple) and any(isinstance(each, ast.Slice) for each in node.elts)
        text = text if isinstance(node, ast.stmt) or is_index or re.fullmatch(r"[\w.]+", text) else f"({text})"
        changed = before + text.encode() + after
        source = b"".join([*lines[:first], changed, *lines[last + 1 :]])
        was = b" ".join(line.strip() for line in lines[first : last + 1])
        return Mutant(self.file, place, node.lineno, was.decode(), changed.decode().strip(), source.decode())


def all_subjects(folder: Path) -> dict[str, Subject]:
    """Each function of ``chainette_functions.__all__``, and each module of the package that has none of them."""
    modules: dict[str, Module] = {}
    for file in sorted((folder / PLUGIN).rglob("*.py")):
        name = ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = Module(folder, name)
    (listed,) = (node.value for node in modules[PLUGIN].tree.body if isinstance(node, ast.Assign))
    homes = {name: home(folder, modules, PLUGIN, name) for name in ast.literal_eval(listed)}
    for module, own in homes.values():
        modules[module].public.add(own)
    subjects = [  # a function with two names counts under its own
        Subject(name, {name}, modules[module].mutants(modules[module].reached(own)))
        for name, (module, own) in homes.items() if name == own
    ]  # fmt: skip
    for name, module in modules.items():
        users = importers(modules, name)
        if name.startswith(PLUGIN) and not module.public and users:
            parts = {place: part for each in module.definitions for place, part in module.parts(each).items()}
            subjects.append(Subject(name.removeprefix(f"{PLUGIN}."), users, module.mutants(parts)))
    return {subject.name: subject for subject in subjects}


def home(folder: Path, modules: dict[str, Module], module: str, name: str) -> tuple[str, str]:
    """Where a name comes from: the module whose own it is, and what it is called there."""
    if module not in modules:
        modules[module] = Module(folder, module)
    found = modules[module].imports.get(name)
    return home(folder, modules, *found) if found else (module, name)


def importers(modules: dict[str, Module], shared: str) -> set[str]:
    """The public functions in the modules that import this one, or that import one that does and has none."""
    found: set[str] = set()
    for name, module in modules.items():
        if name != PLUGIN and shared in {source for source, _ in module.imports.values()}:
            found |= module.public or importers(modules, name)
    return found
