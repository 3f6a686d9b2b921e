"""What can be said of a pipeline.py without running it: its syntax, and what it imports."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

from ml.errors import ModelConfigError
from ml.model_config.environment import REQUIREMENTS, canonical, read_requirements, shared_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ml.model_config.environment import Requirement

# Packages whose import has another name.
_IMPORTED_AS: Final = {
    "azureml-mlflow": "azureml",
    "gitpython": "git",
    "google-auth": "google",
    "imbalanced-learn": "imblearn",
    "mlflow-skinny": "mlflow",
    "protobuf": "google",
    "pyasn1-modules": "pyasn1_modules",
    "pyjwt": "jwt",
    "python-dateutil": "dateutil",
    "python-dotenv": "dotenv",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "xgboost-cpu": "xgboost",
}
_NAMESPACES: Final = ("azure-", "opentelemetry-", "databricks-")
_USEFUL: Final = ("numpy", "pandas", "scikit-learn", "scipy")


def check_source(code: bytes, folder: Path, *, shown: str) -> None:
    """Refuse code that cannot run in the model's environment.

    Args:
        code: content of pipeline.py.
        folder: of the model; its requirements.txt adds packages.
        shown: the file's name in messages.

    Raises:
        ModelConfigError: a syntax error, an import of what the environment lacks, or a
            requirements.txt with mistakes.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError as exc:
        text = f": {exc.text.strip()}" if exc.text else ""
        raise ModelConfigError([f"{shown}:{exc.lineno}  {exc.msg}{text}; mend it"]) from exc
    except ValueError as exc:
        raise ModelConfigError([f"{shown} is not text: {exc}; save it as UTF-8"]) from exc
    own = read_requirements(folder, shown=f"{shown.rpartition('/')[0]}/{REQUIREMENTS}")
    imports = list(_imports(tree))
    names = {module for _, module in imports}
    if any(_import_name(one.name) not in names for one in own):
        return  # one of them may be imported by a name that is not its own
    there = _provided(own)
    problems = [
        f"{shown}:{line}  {lacking(module, own)}" for line, module in imports if module not in there
    ]
    if problems:
        raise ModelConfigError(problems)


def _provided(own: Sequence[Requirement]) -> set[str]:
    """Names that can be imported in the environment of a model's jobs."""
    packages = (*shared_packages("training"), *(one.name for one in own))
    return {"ml", *sys.stdlib_module_names, *map(_import_name, packages)}


def lacking(module: str, own: Sequence[Requirement]) -> str:
    """That the environment lacks a module, what it has, and how to add it."""
    packages = shared_packages("training")
    has = ", ".join(
        [f"{name} {packages[name]}" for name in _USEFUL]
        + [f"{one.name} {one.version}" for one in own]
    )
    name = next((name for name, known in _IMPORTED_AS.items() if known == module), module)
    return (
        f"imports {module}, which the training environment lacks; it has {has} and what they "
        f"bring; add {canonical(name)}==<version> to {REQUIREMENTS} beside pipeline.py"
    )


def _import_name(package: str) -> str:
    if package in _IMPORTED_AS:
        return _IMPORTED_AS[package]
    for namespace in _NAMESPACES:
        if package.startswith(namespace):
            return namespace[:-1]
    return package.replace("-", "_")


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and first name of every import that runs; not those that are only tried or for types."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module is not None:
                yield node.lineno, node.module.partition(".")[0]
        elif isinstance(node, ast.Try):
            waiting += [*node.finalbody, *node.orelse, *([] if node.handlers else node.body)]
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            waiting += ast.iter_child_nodes(node)
