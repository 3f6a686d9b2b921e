"""The packages that a model runs with: the shared environments, and its own requirements.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from ml.errors import ModelConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIREMENTS: Final = "requirements.txt"
ENVIRONMENTS: Final = Path(__file__).parents[1] / "environments"
Kind = Literal["training", "scoring"]
_LINE: Final = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?P<extras>\[[A-Za-z0-9, ._-]+\])?"
    r"\s*==\s*(?P<version>[A-Za-z0-9][A-Za-z0-9.+!_-]*)"
)
_PINNED: Final = re.compile(r"^ +- ([A-Za-z0-9._-]+)==(\S+)$", re.MULTILINE)
_SEPARATORS: Final = re.compile(r"[-_.]+")
_MOST_BYTES: Final = 64_000
_WANTED: Final = "write one `name==version` a line"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One pinned package; `name` in the form that names are compared in."""

    name: str
    version: str
    written: str


def read_requirements(folder: Path, *, shown: str = "") -> tuple[Requirement, ...]:
    """What a model's requirements.txt adds to the shared environments; empty without the file.

    Args:
        folder: of the model.
        shown: the file's name in messages.

    Raises:
        ModelConfigError: every line that is no plain pin, or pins what the environments pin
            otherwise, each with its number and a remedy.
    """
    path = folder / REQUIREMENTS
    if not path.is_file():
        return ()
    shown = shown or str(path)
    try:
        text = path.read_bytes()[: _MOST_BYTES + 1].decode()
    except UnicodeDecodeError as exc:
        raise ModelConfigError([f"{shown} is not UTF-8 text; {_WANTED}"]) from exc
    if len(text) > _MOST_BYTES:
        raise ModelConfigError([f"{shown} is longer than {_MOST_BYTES:,} bytes; {_WANTED}"])
    found: dict[str, Requirement] = {}
    problems = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if not stripped:
            continue
        match = _LINE.fullmatch(stripped)
        if match is None:
            problems.append(f"{shown}:{number}  {_why_not(stripped)}")
            continue
        name = canonical(match["name"])
        requirement = Requirement(name, match["version"], stripped)
        problem = _clash(requirement, found)
        if problem:
            problems.append(f"{shown}:{number}  {problem}")
        found[name] = requirement
    if problems:
        raise ModelConfigError(problems)
    return tuple(found[name] for name in sorted(found))


def canonical(name: str) -> str:
    """The form in which package names are compared."""
    return _SEPARATORS.sub("-", name).lower()


@cache
def shared_packages(kind: Kind) -> Mapping[str, str]:
    """Versions that a shared environment pins, by canonical name."""
    text = (ENVIRONMENTS / f"{kind}.yml").read_text(encoding="utf-8")
    return {canonical(name): version for name, version in _PINNED.findall(text)}


def conda_of(kind: Kind, model_folder: Path, *, environments: Path) -> dict[str, Any] | None:
    """The conda file of a model's own environment; None where it uses the shared one.

    Equal contents are equal environments: Azure's SDK and the local stack name both by their hash.

    Args:
        kind: for jobs, or for deployments.
        model_folder: holds requirements.txt, or does not.
        environments: folder of the shared files.

    Raises:
        ModelConfigError: requirements.txt has mistakes.
    """
    added = read_requirements(model_folder)
    if not added:
        return None
    conda = _conda(environments / f"{kind}.yml")
    lines = _pip_lines(conda)
    there = {canonical(line.partition("==")[0]) for line in lines}
    lines += [one.written for one in added if one.name not in there]
    return conda


def _conda(path: Path) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - for models with requirements of their own

    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _pip_lines(conda: dict[str, Any]) -> list[str]:
    lines: list[str] = next(one for one in conda["dependencies"] if isinstance(one, dict))["pip"]
    return lines


def _why_not(line: str) -> str:
    if line.startswith("-"):
        return f"{line.split(maxsplit=1)[0]!r} is an option of pip, not a package; {_WANTED}"
    if "://" in line or "@" in line or line.startswith((".", "/")):
        return f"names an address or a path, not a package of the index; {_WANTED}"
    if ";" in line:
        return f"has a condition after ';'; the environment is always the same: {_WANTED}"
    name = re.match(r"[A-Za-z0-9._-]+", line)
    pin = f", e.g. {name[0]}==1.2.3" if name else ""
    return f"{line[:40]!r} does not pin one version, so jobs could differ; {_WANTED}{pin}"


def _clash(wanted: Requirement, found: Mapping[str, Requirement]) -> str | None:
    if wanted.name in found:
        return f"{wanted.name} is named twice; keep one line"
    for kind in ("training", "scoring"):
        pinned = shared_packages(kind).get(wanted.name)
        if pinned is not None and pinned != wanted.version:
            return (
                f"{wanted.name} is {pinned} in the {kind} environment, not {wanted.version}; "
                "remove the line"
            )
    return None
