"""The wheel, installed in a clean environment outside the repository, does the main job by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "models", "solver", "instances", "cli", "report")


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with an environment that knows nothing of the repository."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True, timeout=240
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy of the sources, so that nothing is written into the repository."""
    import shutil

    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    if not (copy / "README.md").exists():
        (copy / "README.md").write_text("Zonewright\n")
    target = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, copy, cwd=target)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel where nothing else is; the libraries it needs are those of this environment."""
    home = tmp_path_factory.mktemp("clean")
    made = run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    assert made.returncode == 0, made.stderr
    interpreter = home / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    where = run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home)
    site = Path(where.stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # A .pth line adds the folder but not its own .pth files: the editable install stays out.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_owns_one_name_and_nothing_else(wheel: Path) -> None:
    """`models` and `solver` are too general to occupy: everything is under `zonewright`."""
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"zonewright"}
    assert "zonewright/__init__.py" not in names(wheel)


def test_the_wheel_ships_all_data(wheel: Path) -> None:
    """Catalogues, estates, type markers, every module, and the licence."""
    inside = set(names(wheel))
    for floor in ("models", "solver", "instances", "cli", "report"):
        wanted = [p for e in ("*.py", "*.yaml", "py.typed", "*.json", "*.html") for p in (ROOT / floor).rglob(e)]
        assert (ROOT / floor / "py.typed") in wanted
        for path in wanted:
            assert f"zonewright/{path.relative_to(ROOT).as_posix()}" in inside
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in inside)
    entry = next(name for name in inside if name.endswith("entry_points.txt"))
    with zipfile.ZipFile(wheel) as archive:
        assert "zonewright = zonewright.cli.main:main" in archive.read(entry).decode()


def test_the_installed_wheel_places_an_estate_that_ships(python: Path, tmp_path: Path) -> None:
    """Far from the repository, the command plans the shop and the plan passes its own check."""
    origin = run(python, "-c", "import zonewright.solver as s; print(s.__file__)", cwd=tmp_path)
    assert str(python.parent.parent) in origin.stdout, origin.stderr
    command = [python, "-c", "import sys; from zonewright.cli.main import main; sys.exit(main())"]
    placed = run(*command, "place", "shop-guangzhou", "-o", "shop.plan.json", cwd=tmp_path)
    assert placed.returncode == 0, placed.stdout + placed.stderr
    plan = json.loads((tmp_path / "shop.plan.json").read_text())
    assert plan["status"] == "OPTIMAL"
    assert sum(line["count"] for line in plan["placements"]) == 319
    checked = run(*command, "check", "shop-guangzhou", "shop.plan.json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_installed_wheel_packs_hosts(python: Path, tmp_path: Path) -> None:
    """The compiled kernels are on board: an estate on hosts is placed too."""
    code = "\n".join(
        (
            "from zonewright.instances.generator import generate_region",
            "from zonewright.solver import place",
            "estate = generate_region(instances=60, groups=12, hosts=12, racks=3, shapes=8, seed=1, fill=0.6)",
            "result = place(estate, workers=1, time_limit_s=60)",
            "print(result.status, result.engine)",
        )
    )
    done = run(python, "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("OPTIMAL") or done.stdout.startswith("FEASIBLE")
