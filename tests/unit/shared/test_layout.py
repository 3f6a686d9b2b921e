"""The import contracts see everything: no top-level package escapes them."""

from __future__ import annotations

import tomllib
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


def test_every_top_level_package_is_under_contract():
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(settings["tool"]["importlinter"]["root_packages"])

    found = {path.parent.name for path in _ROOT.glob("*/__init__.py")}

    assert found == listed
