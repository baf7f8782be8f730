"""The house's rules about its own code: floors, sizes, names, words, and what may not be used."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from wizara import tree
from wizara.bootstrap import SENTENCES

ROOT = tree.root()
SOURCES = tuple(
    path for folder in ("wizara", "deploys", "audits") for path in sorted((ROOT / folder).rglob("*.py"))
    if "_tree" not in path.parts
)  # fmt: skip
TESTS = tuple(sorted((ROOT / "tests").rglob("*.py")))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "base"}
FORBIDDEN_WRITES = {"put", "template", "line", "block", "replace"}
HEAVY = ("pyinfra", "gevent", "pydantic", "jinja2", "rich", "asyncio")


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_floors_hold() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run([program, "--no-cache"], check=False, capture_output=True, text=True, cwd=ROOT)
    assert told.returncode == 0, told.stdout


def too_long(name: str, source: str) -> list[str]:
    """Return what is longer in *source* than a page or a screen."""
    lines = source.count("\n")
    found = [f"{name}: {lines} lines"] if lines > 400 else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            found += [f"{name}: {node.name} has {length} lines"] if length > 50 else []
    return found


def test_files_and_functions_are_short() -> None:
    assert [line for path in (*SOURCES, *TESTS) for line in too_long(_relative(path), path.read_text())] == []
    lengths = [path.read_text().count("\n") for path in SOURCES if path.read_text().count("\n") > 3]
    assert statistics.median(lengths) <= 130


def test_a_long_file_or_function_is_noticed() -> None:
    assert too_long("x", "\n" * 401) == ["x: 401 lines"]
    assert too_long("x", "def f():\n" + "    a = 1\n" * 50) == ["x: f has 51 lines"]
    assert too_long("x", "def f():\n" + "    a = 1\n" * 49) == []


def unsaid(source: str) -> bool:
    """True when the module does not say in one sentence what it is for."""
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0]
    return not first or first[-1] not in ".:"


def test_every_module_says_what_it_is_for() -> None:
    assert [_relative(path) for path in (*SOURCES, *TESTS) if unsaid(path.read_text())] == []
    assert unsaid("x = 1\n")
    assert unsaid('"""Words"""\n')
    assert not unsaid('"""Says so."""\n')


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [_relative(path) for path in (*SOURCES, *TESTS) if path.stem in FORBIDDEN_NAMES] == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom wizara.cli.main import command\n"
        "try: command.main(['--help'], standalone_mode=True)\nexcept SystemExit: pass\n"
        "print([name for name in sys.argv[1:] if name in sys.modules], file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", code, *HEAVY], check=True, capture_output=True, text=True, cwd=ROOT)
    assert told.stderr.strip() == "[]"
    assert "Verbs:" in told.stdout


def _messages() -> Iterator[tuple[str, str]]:
    """Yield (file, message) of everything marked for translation, inside an f-string too: Babel sees those only from Python 3.12 on."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"_", "N_", "ngettext"}
            ):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield str(path.relative_to(ROOT)), first.value


def _french() -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "wizara" / "locale").glob("*.fr.po")):
        with path.open("rb") as source:
            for message in read_po(source):
                key = message.id[0] if isinstance(message.id, tuple) else message.id
                said = message.string if isinstance(message.string, tuple) else (message.string,)
                if all(said) and not message.fuzzy:
                    texts[key] = said
    return texts


def test_every_word_to_a_person_has_its_french() -> None:
    french = _french()
    untold = sorted({f"{file}: {message!r}" for file, message in _messages() if message not in french})
    assert untold == []


def test_french_words_fill_the_same_fields() -> None:
    def fields(message: str) -> set[str]:
        return set(re.findall(r"\{(\w+)", message))

    spoilt = [key for key, said in _french().items() if key for one in said if fields(one) - fields(key)]
    assert spoilt == []


def test_the_bootstrap_speaks_both_languages() -> None:
    for english, french in SENTENCES.values():
        assert english != french
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", french))


@pytest.mark.parametrize("name", ["bootstrap", "__main__", "__init__"])
def test_the_bootstrap_needs_the_standard_library_only(name: str) -> None:
    source = (ROOT / "wizara" / f"{name}.py").read_text()
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source, feature_version=(3, 7))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"wizara"}


def raw_writes(source: str) -> list[str]:
    """Return the file operations of pyinfra in *source* that wizara's own replace."""
    found: list[str] = []
    modules: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "pyinfra.operations":
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "files"}
        elif isinstance(node, ast.ImportFrom) and node.module == "pyinfra.operations.files":
            found += [alias.name for alias in node.names if alias.name in FORBIDDEN_WRITES]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_WRITES:
            owner = ast.unparse(node.value)
            found += [node.attr] if owner in modules or owner == "pyinfra.operations.files" else []
    return found


def test_deploys_write_files_by_wizaras_own_operation() -> None:
    deploys = (path for path in SOURCES if path.is_relative_to(ROOT / "deploys"))
    assert {_relative(path): raw_writes(path.read_text()) for path in deploys if raw_writes(path.read_text())} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from pyinfra.operations import files\nfiles.put(src='a', dest='b')",
        "from pyinfra.operations import files as f\nf.line(path='/etc/hosts')",
        "from pyinfra.operations.files import template\ntemplate()",
        "import pyinfra.operations.files\npyinfra.operations.files.block()",
    ],
)
def test_a_raw_write_is_noticed(source: str) -> None:
    assert len(raw_writes(source)) == 1
