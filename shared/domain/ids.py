"""Names and keys that must be the same when an operation is repeated."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODEL_NAME = re.compile(r"[a-z][a-z0-9-]{1,29}")
_JOB_NAME = re.compile(
    r"(?P<kind>retrain|evaluate|drift)-(?P<cycle_id>[0-9a-f]{12})-(?P<attempt>\d{1,4})"
)
_DEPLOYMENT_PREFIX = "version-"
_CYCLE_ID_DIGITS = 12
_HASH_DIGITS = 16
# A file system takes 255 bytes a name, Azure 1,024 characters a blob's whole path.
_LONGEST_NAME_BYTES = 120
_LONGEST_SUFFIX = 16
_LONGEST_PATH = 900
_UNSAFE = re.compile(r"[^\w. +=@()\[\]-]")


def sha256_hex(text: str) -> str:
    """SHA-256 of a text, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def safe_name(name: str) -> str:
    """Make a file name safe for URLs, file systems and mounts: replace odd characters, shorten.

    The suffix stays, since it tells the format. Two names may become the same.
    """
    clean = _UNSAFE.sub("_", name)
    stem, dot, suffix = clean.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = clean, "", ""
    room = _LONGEST_NAME_BYTES - len(f"{dot}{suffix}".encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + suffix


def content_name(sha256: str, name: str) -> str:
    """The name of an accepted file: its content hash, then its own name for people."""
    return f"{sha256[:_HASH_DIGITS]}-{safe_name(name)}"


def path_within(folder: str, path: str) -> str:
    """`folder/path`; if that is too long for a blob, the path's hash and the file's name."""
    whole = f"{folder}/{path}"
    if len(whole) <= _LONGEST_PATH:
        return whole
    return f"{folder}/{content_name(sha256_hex(path), path.rpartition('/')[2])}"


def is_model_name(text: str) -> bool:
    """Whether it is a model name: 2-30 of a-z, 0-9 and `-`, the first a letter."""
    return _MODEL_NAME.fullmatch(text) is not None


def cycle_id_of(model: str, fact_key: str) -> str:
    """The id of a cycle: 12 hex digits from the model and the key of the opening fact."""
    return digits_of(model, fact_key)


def digits_of(model: str, key: str) -> str:
    """12 hex digits from a model and a key, for job names and paths."""
    return sha256_hex(f"{model}\n{key}")[:_CYCLE_ID_DIGITS]


@value
class JobName(Value):
    """`retrain-<cycle_id>-<attempt>`, `evaluate-…`, `drift-…` or `test-…`: an idempotency key.

    The digits of the last two are a hash of their input, not a cycle id.
    """

    kind: str
    cycle_id: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.kind}-{self.cycle_id}-{self.attempt}"

    @staticmethod
    def parse(text: str) -> JobName | None:
        """Parse a job name; None if it is not ours, or `test-…`, whose end is not a fact."""
        match = _JOB_NAME.fullmatch(text)
        if match is None:
            return None
        return JobName(match["kind"], match["cycle_id"], int(match["attempt"]))


def registering_job(tags: Mapping[str, str]) -> str | None:
    """The job that registered a version, derived from the version's tags.

    None for a version that a person registered.
    """
    cycle_id, attempt = tags.get("cycle_id"), tags.get("attempt", "")
    if not cycle_id or not (attempt.isascii() and attempt.isdigit()):
        return None
    return str(JobName("retrain", cycle_id, int(attempt)))


def deployment_name(version: str) -> str:
    """The name of the deployment that serves a model version."""
    return f"{_DEPLOYMENT_PREFIX}{version}"


def deployed_version(name: str) -> str | None:
    """The model version behind a deployment; None if the deployment is not ours."""
    return name.removeprefix(_DEPLOYMENT_PREFIX) if name.startswith(_DEPLOYMENT_PREFIX) else None
