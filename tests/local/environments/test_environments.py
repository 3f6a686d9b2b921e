"""Environments: what a conda file may contain, and that half-built ones are never used."""

from __future__ import annotations

import asyncio
import platform
import subprocess

import pytest

from local.environments.builds import EnvironmentBuildError, Environments, read_conda
from local.errors import UnsupportedError

MINOR = ".".join(platform.python_version_tuple()[:2])


@pytest.mark.parametrize(
    "python",
    ["python", f"python={MINOR}", f"python ={MINOR}", f"python={MINOR}.*", "python>=3.11,<4"],
)
def test_conda_file_for_this_python_gives_its_pip_packages(python):
    # given
    conda = f"name: a\nchannels: [conda-forge]\ndependencies:\n- {python}\n- pip\n- pip: [x==1]\n"

    # then
    assert read_conda(conda) == ("a", ["x==1"])


@pytest.mark.parametrize(
    ("conda", "named"),
    [
        ("dependencies: [numpy=2]", "conda package 'numpy=2'"),
        ("dependencies: ['python=2.7']", "'python=2.7'"),
        ("dependencies: ['python=nonsense']", "'python=nonsense'"),
        ("channels: [private]", "channel 'private'"),
        ("variables: {A: b}", "key 'variables'"),
        ("dependencies: [{pip: ['-r other.txt']}]", "pip option '-r other.txt'"),
        ("- just a list", "not a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_conda_file_that_pip_cannot_satisfy_is_refused_with_the_entry(conda, named):
    with pytest.raises(UnsupportedError) as refused:
        read_conda(conda)
    assert named in str(refused.value)


def test_same_environment_is_built_once_by_concurrent_callers(tmp_path):
    # given
    conda = "name: empty\ndependencies: [python]\n"

    async def ask() -> list:
        first, second = Environments(tmp_path), Environments(tmp_path)
        return await asyncio.gather(first.for_conda(conda), second.for_conda(conda))

    # when
    one, two = asyncio.run(ask())

    # then
    assert one == two
    seen = subprocess.run(
        [one, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == str(one.parent.parent)
    assert len([path for path in tmp_path.iterdir() if (path / "bin").exists()]) == 1


def test_failed_build_leaves_nothing_and_can_be_retried(tmp_path):
    # given
    missing = tmp_path / "requirements.txt"
    missing.write_text(f"nothing @ file://{tmp_path}/absent.whl\n", encoding="utf-8")
    environments = Environments(tmp_path / "root")

    # when
    for _ in range(2):
        with pytest.raises(EnvironmentBuildError, match="cannot be built"):
            asyncio.run(environments.for_requirements(missing))

    # then
    left = {path.name for path in (tmp_path / "root").iterdir()}
    assert left == {"logs", "build.lock"}


def test_environment_whose_interpreter_is_gone_is_rebuilt(tmp_path):
    # given
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("", encoding="utf-8")
    environments = Environments(tmp_path / "environments")
    python = asyncio.run(environments.for_requirements(requirements))
    python.unlink()
    python.symlink_to(tmp_path / "uninstalled" / "python3")

    # when
    again = asyncio.run(environments.for_requirements(requirements))

    # then
    assert again == python
    assert subprocess.run([python, "-c", ""], check=True).returncode == 0


def test_environment_without_its_completion_mark_is_rebuilt(tmp_path):
    # given
    environments = Environments(tmp_path)
    python = asyncio.run(environments.for_conda("dependencies: [python]"))
    (python.parent.parent / "environment.txt").unlink()
    python.unlink()

    # when
    again = asyncio.run(environments.for_conda("dependencies: [python]"))

    # then
    assert again == python
    assert python.exists()
