"""No file and no function is too long to be read at once; the layout shadows nothing.

YAML is exempt: a CustomResourceDefinition is one object, which cannot be cut in two.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES = 400
FUNCTION_LINES = 50
# Hidden folders are left out, as are those that tools make.
_VISIBLE_THOUGH_HIDDEN = {".ci"}


def source_files(root: Path) -> Iterator[Path]:
    """Python files, shell files and everything that begins with `#!`."""
    for folder, below, names in os.walk(root):
        below[:] = [n for n in below if not n.startswith(".") or n in _VISIBLE_THOUGH_HIDDEN]
        for path in (Path(folder, name) for name in names):
            if path.suffix in (".py", ".sh") or _is_script(path):
                yield path


def too_long(root: Path) -> Iterator[str]:
    """Files above FILE_LINES, and functions above FUNCTION_LINES without their docstrings."""
    for path in source_files(root):
        text = path.read_text()
        if (lines := len(text.splitlines())) > FILE_LINES:
            yield f"{path.relative_to(root)} has {lines} lines"
        if path.suffix == ".py":
            yield from _long_functions(path.relative_to(root), ast.parse(text))


def _is_script(path: Path) -> bool:
    if path.suffix or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"


def _long_functions(path: Path, module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False) or ""
            lines = (node.end_lineno or 0) - node.lineno + 1 - len(docstring.splitlines())
            if lines > FUNCTION_LINES:
                yield f"{path}:{node.lineno} {node.name} has {lines} lines"


def test_nothing_is_too_long() -> None:
    assert list(too_long(ROOT)) == []


def test_the_sources_are_looked_at() -> None:
    found = {str(path.relative_to(ROOT)) for path in source_files(ROOT)}

    assert "hack/generate" in found
    assert "operator/nessus_operator/api/scan.py" in found
    assert not any(name.startswith(".venv") for name in found)


def test_what_is_too_long_is_found(tmp_path: Path) -> None:
    (tmp_path / "hack").mkdir()
    (tmp_path / "hack/up").write_text("#!/bin/sh\n" + "true\n" * FILE_LINES)
    (tmp_path / "long.py").write_text("x = 1\n" * (FILE_LINES + 1))
    (tmp_path / "right.py").write_text("x = 1\n" * FILE_LINES)
    body = "    x = 1\n" * FUNCTION_LINES
    (tmp_path / "function.py").write_text(f"def f():\n{body}")
    (tmp_path / "explained.py").write_text(f'def f():\n    """Why."""\n{body[10:]}')

    assert set(too_long(tmp_path)) == {
        "hack/up has 401 lines",
        "long.py has 401 lines",
        "function.py:1 f has 51 lines",
    }


def test_the_folder_operator_does_not_hide_the_standard_library() -> None:
    assert not (ROOT / "operator/__init__.py").exists()
    code = "import operator; print(operator.itemgetter(0)('yes'), operator.__file__)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.startswith("y ")
    assert str(ROOT / "operator") not in said.stdout


def test_a_package_named_operator_would_hide_it(tmp_path: Path) -> None:
    (tmp_path / "operator").mkdir()
    (tmp_path / "operator/__init__.py").touch()

    done = subprocess.run(
        [sys.executable, "-S", "-c", "import operator; operator.itemgetter"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
