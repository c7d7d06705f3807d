"""The import arrows of the package: they point down, none is hidden, and the core stays pure."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import leadfold

SRC = Path(leadfold.__file__).parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("disjoint", "driving", "exceptions", "masking", "pausing", "toml_text"),
    ("normalizers",),
    ("model",),
    ("sheets",),
    ("changes", "explanations", "founding", "progress", "rules", "rulings"),
    ("policy", "repository", "reporter"),
    ("async_repository",),
    ("asking",),
    ("errands",),
    ("evaluate", "regrouping"),
    ("compare", "grouping", "survivorship"),
    ("backfill", "customers", "pictures"),
    ("resolving",),
    ("resolver",),
    ("aio", "integrations", "repositories"),
    ("testing",),
    ("cli",),
    ("__main__",),
)
"""Lowest first. A module imports from its own layer and those before it."""

CORE = LAYERS[:11]
"""What must stay pure: values in, values out."""

IMPURE = frozenset(
    {"asyncio", "io", "logging", "multiprocessing", "os", "random", "secrets", "socket", "sqlite3"}
    | {"subprocess", "tempfile", "threading", "time", "urllib", "uuid.uuid4"}
)
THIRD_PARTY = frozenset({"attrs", "phonenumbers", "email_validator", "idna"})


def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name below ``leadfold``."""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        found[name] = path
    return found


def imports(path: Path) -> set[str]:
    """Return every dotted name *path* imports, wherever the import stands in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import hides where it points"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own_imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the leadfold modules that *path* imports, by dotted name below the package."""
    found = set()
    for name in imports(path):
        if name.split(".")[0] != "leadfold":
            continue
        inner = name.removeprefix("leadfold").removeprefix(".")
        while inner not in known:
            inner = inner.rpartition(".")[0]
        found.add(inner)
    return found


def layer(name: str) -> int:
    """Return the number of the layer that module *name* stands in."""
    top = name.split(".", maxsplit=1)[0]
    for number, members in enumerate(LAYERS):
        if top in members:
            return number
    msg = f"{name} stands in no layer: add it to LAYERS"
    raise AssertionError(msg)


@pytest.mark.parametrize("name", [name for name in modules() if name])
def test_imports_point_down(name: str) -> None:
    """No module imports from a layer above its own, at the top or inside a function."""
    known = modules()
    above = {
        other for other in own_imports(known[name], known) if other and layer(other) > layer(name)
    }
    assert not above


def test_no_module_imports_the_package_itself() -> None:
    """Only the command line, the tests and users import ``leadfold`` whole."""
    known = modules()
    whole = {name for name in known if name and "" in own_imports(known[name], known)}
    assert {name for name in whole if layer(name) < layer("testing")} == set()


def test_there_is_no_import_cycle() -> None:
    """No chain of imports, hidden or typing-only ones included, leads back to where it began."""
    known = modules()
    graph = {name: own_imports(path, known) - {name} for name, path in known.items() if name}
    while graph:
        free = {name for name, needs in graph.items() if not needs & graph.keys()}
        assert free, f"a cycle among {sorted(graph)}"
        graph = {name: needs for name, needs in graph.items() if name not in free}


@pytest.mark.parametrize(
    "name", [n for n in modules() if n and n.split(".")[0] in {m for ms in CORE for m in ms}]
)
def test_the_core_is_pure(name: str) -> None:
    """The core imports neither clock, randomness, files, network nor logging."""
    found = imports(modules()[name])
    tops = {full.split(".")[0] for full in found} | found
    assert not tops & IMPURE


@pytest.mark.parametrize(
    "name", [n for n in modules() if n and n.split(".")[0] in {m for ms in CORE for m in ms}]
)
def test_the_core_needs_three_packages(name: str) -> None:
    """The core imports its three dependencies (and what they bring) and the standard library."""
    outside = {
        top
        for full in imports(modules()[name])
        if (top := full.split(".")[0]) not in sys.stdlib_module_names and top != "leadfold"
    }
    assert outside <= THIRD_PARTY


def test_applying_cannot_decide() -> None:
    """What writes a plan imports neither grouping nor normalizers, directly or through others."""
    known = modules()
    reached, todo = set[str](), ["backfill.applying"]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo.extend(own_imports(known[name], known))
    assert not {name for name in reached if name.split(".")[0] in {"grouping", "policy"}}
    assert {name for name in reached if name.startswith("normalizers")} <= {
        "normalizers",
        "normalizers.plain_shape",  # a type that a type names
        "normalizers.reason",
    }


def test_importing_leadfold_loads_no_extra() -> None:
    """A bare ``import leadfold`` loads no optional package, and the two libraries not yet."""
    code = "import sys, leadfold; print(' '.join(sys.modules))"
    unmeasured = {name: value for name, value in os.environ.items() if "COV" not in name}
    loaded = subprocess.run(  # noqa: S603 - this interpreter, and a constant
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured
    ).stdout.split()
    late = {"phonenumbers", "email_validator", "idna", "dns", "sqlite3"}
    extras = {"rich", "pytest", "hypothesis", "pyarrow", "pandas", "polars", "duckdb", "narwhals"}
    extras |= {"altair", "vl_convert"}
    assert not (late | extras) & set(loaded)
