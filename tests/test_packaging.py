"""The wheel, the editable installation and the checkout are the same wizara."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from wizara import tree

ROOT = tree.root()
CARDS = ("deploys", "audits", "templates", "inventories")


def _run(line: Sequence[str | Path], cwd: Path = ROOT, path: str = "") -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": path} if path else {}
    told = subprocess.run(list(map(str, line)), check=False, capture_output=True, text=True, cwd=cwd, env=environment)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


def _environment(folder: Path) -> Path:
    """Make an environment that has the libraries of this one, and no wizara; return its Python."""
    _run([sys.executable, "-m", "venv", "--without-pip", folder])
    python = folder / "bin" / "python"
    own = Path(_run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    (own / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _install(python: Path, *words: str | Path) -> None:
    line = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    _run([*line, *words])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder])
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_card_folders_and_the_catalogues(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = _run(["git", "ls-files", *CARDS, "wizara"]).split() if (ROOT / ".git").exists() else []
    tracked = tracked or [str(path.relative_to(ROOT)) for name in (*CARDS, "wizara") for path in (ROOT / name).rglob("*.*")
                          if path.is_file() and "__pycache__" not in path.parts]  # fmt: skip
    expected = {
        name if name.startswith("wizara/") else f"wizara/_tree/{name}" for name in tracked if (ROOT / name).exists()
    }
    assert expected - held == set()
    assert not [name for name in held if name.startswith(("tests", "wizara/_tree/tests")) or "__pycache__" in name]


def test_wheel_editable_and_checkout_agree(wheel: Path, tmp_path: Path) -> None:
    packed, editable = _environment(tmp_path / "packed"), _environment(tmp_path / "editable")
    _install(packed, wheel)
    _install(editable, "--no-build-isolation", "-e", ROOT)
    line = ["check", "mps", "--json"]
    root = Path("/")
    from_wheel = _run([packed.parent / "wizara", *line], root)
    assert '"valid": true' in from_wheel
    assert _run([editable.parent / "wizara", *line], root) == from_wheel
    assert _run([sys.executable, "-m", "wizara", *line], ROOT, str(ROOT)) == from_wheel
    where = "from wizara import tree; print(tree.root())"
    assert _run([packed, "-c", where], root).strip().endswith("/wizara/_tree")
    assert _run([editable, "-c", where], root).strip() == str(ROOT)


def test_an_installed_wizara_sets_nothing_up(wheel: Path, tmp_path: Path) -> None:
    packed = _environment(tmp_path / "packed")
    _install(packed, wheel)
    assert _run([packed, "-m", "wizara", "--version"], Path("/")).startswith("wizara, version ")
    assert not list(tmp_path.rglob("wizara.stamp"))
