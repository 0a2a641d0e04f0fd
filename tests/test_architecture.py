"""Data goes one way through the house, and its doors are labelled."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("models", "solver", "instances", "cli", "report")
#: What each floor may import besides itself.
BELOW = {
    "models": set(),
    "solver": {"models"},
    "instances": {"models"},
    "report": {"models", "solver", "instances"},
    "cli": {"models", "solver", "instances", "report"},
}


def modules(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every import of ours in a file, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = node.module or ""
            names = [f"{module}.{a.name}" for a in node.names] if module == "zonewright" else [module]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
            "import_module",
            "__import__",
        ):
            names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        for name in names:
            if name.partition(".")[0] == "zonewright":
                yield node.lineno, name


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_nothing_from_above(floor: str) -> None:
    """Models know nothing of who uses them, so no engine grades itself; the rest stands on what is below."""
    for path in modules(floor):
        for line, name in imported(path):
            other = name.split(".")[1]
            assert other in BELOW[floor] | {floor}, f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_the_judge_of_migrations_shares_no_code_with_their_planner() -> None:
    """The executor imports nothing of the planner, and of the executor the planner knows only the call."""
    for path in (ROOT / "models" / "executor").rglob("*.py"):
        for line, name in imported(path):
            assert name.startswith("zonewright.models."), f"{path.relative_to(ROOT)}:{line} imports {name}"
    for path in modules("solver"):
        for line, name in imported(path):
            inside = name.startswith("zonewright.models.executor.")
            assert not inside, f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_no_folder_in_the_root_shadows_the_namespace() -> None:
    """A folder `zonewright` would be found first when Python starts in the root."""
    assert not (ROOT / "zonewright").exists()
    assert not (ROOT / "zonewright.py").exists()


@pytest.mark.parametrize("name", [f"zonewright.{floor}" for floor in ("models", "solver")])
def test_the_public_face_is_sorted_and_complete(name: str) -> None:
    """`__all__` lists, in order, every public class and function that the package has, and nothing else.

    Those that are imported when they are asked for are among what `dir` says.
    """
    package = importlib.import_module(name)
    listed = list(package.__all__)
    assert listed == sorted(listed, key=lambda n: (not n[0].isupper(), n))
    public = {
        n
        for n in dir(package)
        if not n.startswith("_") and not inspect.ismodule(thing := getattr(package, n)) and callable(thing)
    }
    assert set(listed) == public


def documented(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield public functions, classes and methods of a file."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                yield prefix + node.name, node
                if isinstance(node, ast.ClassDef):
                    yield from inside(node.body, f"{prefix}{node.name}.")

    yield from inside(ast.parse(path.read_text(encoding="utf-8")).body, "")


@pytest.mark.parametrize("floor", ["models", "solver"])
def test_everything_public_says_what_it_is_for(floor: str) -> None:
    """Every module, public class, function and method opens with a docstring that ends like a sentence."""
    for path in modules(floor):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"
        for name, node in documented(path):
            text = ast.get_docstring(node)  # type: ignore[arg-type]
            assert text, f"{path.relative_to(ROOT)}: {name} has no docstring"
            assert text.split("\n")[0].endswith((".", "?", ":")), f"{path.relative_to(ROOT)}: {name}: {text}"


def test_every_package_folder_is_published() -> None:
    """A folder with code that `pyproject.toml` does not list would be missing from the wheel."""
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {
        ".".join(("zonewright", *path.parent.relative_to(ROOT).parts))
        for floor in FLOORS
        for path in (ROOT / floor).rglob("__init__.py")
    }
    with_code = {
        ".".join(("zonewright", *path.parent.relative_to(ROOT).parts)) for f in FLOORS for path in modules(f)
    }
    assert with_code == folders
    assert set(settings["packages"]) == folders
    assert settings["package-dir"] == {
        name: name.removeprefix("zonewright.").replace(".", "/") for name in folders
    }
