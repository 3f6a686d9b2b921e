"""The import contracts cover every top-level package; names of test files are unique."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


def test_every_top_level_package_is_covered_by_the_import_contracts():
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["importlinter"]["root_packages"])

    found = {path.parent.name for path in _ROOT.glob("*/__init__.py")}

    assert found == listed


def test_names_of_test_files_are_unique():
    # Test folders are not packages: pytest refuses a second file of a name, and all tests with it.
    names = Counter(path.name for path in (_ROOT / "tests").rglob("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []


def test_modules_of_the_product_have_between_15_and_400_lines():
    parts = ["demo", "functions", "local", "ml", "shared"]
    files = [file for part in parts for file in (_ROOT / part).rglob("*.py")]

    lines = {
        file.relative_to(_ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for file in [_ROOT / "function_app.py", *files]
        if file.name != "__init__.py"
    }

    assert len(lines) > len(parts)
    assert {name: count for name, count in lines.items() if not 15 <= count <= 400} == {}
