"""The lock files: what pip can install, on the oldest and on the newest Python."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ["3.11.0", "3.12.0", "3.13.0"]


def requirements(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def conda_environment(name: str) -> list[str]:
    text = (ROOT / "ml" / "environments" / name).read_text(encoding="utf-8")
    (pip,) = [part for part in yaml.safe_load(text)["dependencies"] if isinstance(part, dict)]
    return pip["pip"]


LOCKS = {
    "requirements.txt": requirements("requirements.txt"),
    "requirements-dev.txt": requirements("requirements-dev.txt"),
    "training.yml": conda_environment("training.yml"),
    "scoring.yml": conda_environment("scoring.yml"),
}


def pins(lines: list[str], python: str) -> dict[str, str]:
    """Version by package, as one Python on Linux reads the lines."""
    environment = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": "linux",
    }
    wanted = [Requirement(line) for line in lines]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in wanted
        if one.marker is None or one.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_supports_the_python_it_is_for(lock, python):
    """Judged by the metadata of what is installed here: upper bounds count, as pip counts them."""
    supported = {
        (canonicalize_name(one.name), one.version): one.metadata.get("Requires-Python") or ""
        for one in distributions()
    }

    wrong = {
        name: supported[name, version]
        for name, version in pins(LOCKS[lock], python).items()
        if python not in SpecifierSet(supported.get((name, version), ""))
    }

    assert wrong == {}


@pytest.mark.parametrize("python", PYTHONS)
def test_package_has_the_same_version_in_every_lock(python):
    versions: dict[str, set[str]] = {}
    for lines in LOCKS.values():
        for name, version in pins(lines, python).items():
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_exact_versions_and_names_no_registry(lock):
    for line in LOCKS[lock]:
        pin = Requirement(line)
        assert pin.url is None
        assert [one.operator for one in pin.specifier] == ["=="]
