"""The wording about files: what became of them, what waits, what the data set lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from shared.domain.data import DataTested, quarantine_report
from shared.domain.landing import LANDING
from shared.domain.retraining import ReasonKind, kinds_in_words
from shared.domain.wording import LONGEST_NAME, capital, ended, listed, plural, short, time

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from shared.domain.landing import Table

_MOST_VERSIONS = 5


def first_drop(model: str, reasons: Collection[ReasonKind]) -> str:
    return f"No file has arrived in landing/{model}/ yet. {_first_version(reasons)}"


def no_version(reasons: Collection[ReasonKind]) -> str:
    return f"No version serves yet. {_first_version(reasons)}"


def _first_version(reasons: Collection[ReasonKind]) -> str:
    """What the first version comes from, by the model's `retrain.reasons`."""
    if ReasonKind.DATA in reasons:
        return "The first file that passes its tests trains one."
    if ReasonKind.MANUAL in reasons:
        return (
            "Files are tested and kept; a retraining by hand trains the first version, since "
            "retrain.reasons in model.yml does not name data."
        )
    return (
        "Files are tested and kept, and none is trained on: retrain.reasons in model.yml names "
        "neither data nor manual."
    )


def no_data(tested: DataTested | None) -> str:
    """Nothing to train on, and what became of this cycle's files."""
    if tested is None:
        what = ""
    elif tested.quarantined:
        what = f" {quarantine_report(tested)}"
    else:
        what = f" {all_superseded(tested)}"
    return (
        f"Not retrained: no file has passed its tests yet.{what} The first version needs one that "
        "does."
    )


def all_withdrawn() -> str:
    return (
        "Not retrained: the data set is empty, since all its files were withdrawn. The next file "
        "that passes its tests is trained on."
    )


def quarantined(file_name: str, findings: Collection[str]) -> str:
    """One file's findings; at most three are spelt out."""
    first = [short(finding) for finding in list(findings)[:3]]
    more = len(findings) - len(first)
    tail = f"; and {more:,} more" if more > 0 else ""
    return ended(f"File {short(file_name, LONGEST_NAME)} quarantined: {'; '.join(first)}{tail}")


def finding(sentence: str, remedy: str) -> str:
    """What a data test found in a file, and what to do about it."""
    return f"{sentence}; {remedy}"


def too_few_rows(rows: int, together: int, wanted: int) -> str:
    others = f", {together:,} with all that arrived together" if together > rows else ""
    return (
        f"{plural(rows, 'row')}{others}, limit at least {wanted:,}; land more rows together, or "
        "lower data.min_rows in model.yml"
    )


def noted(place: str, notes: Collection[str]) -> str:
    """What is worth knowing of a file that passed."""
    name = short(place.rpartition("/")[2], LONGEST_NAME)
    return f"{name}: {', '.join(short(note) for note in notes)}"


def not_tested(why: str) -> str:
    """A job should have tested a large file and did not."""
    return f"{why}; look at its log, then send the file again"


def all_superseded(fact: DataTested) -> str:
    return (
        f"{plural(fact.superseded, 'file')} superseded: overwritten, deleted or withdrawn before "
        "being read; newer content is used instead."
    )


def files_wait(count: int) -> str:
    """Added where a cycle fails before its files were used."""
    subject = "Its file waits" if count == 1 else f"Its {count:,} files wait"
    return f"{subject} for the next cycle; a request by hand starts one."


def waiting(kinds: Collection[ReasonKind], arrivals: int, withdrawals: int) -> str:
    files = plural(arrivals, "file") if arrivals else ""
    withdrawn = plural(withdrawals, "withdrawal") if withdrawals else ""
    others = kinds_in_words([kind for kind in kinds if kind is not ReasonKind.DATA])
    what = listed([part for part in (files, withdrawn, others) if part])
    return f"{capital(what)} waiting for the next cycle."


def postponed(kinds: Collection[ReasonKind], until_utc: datetime) -> str:
    return f"Retraining for {kinds_in_words(kinds)} is postponed until {time(until_utc)}."


# --- tables with a log ---------------------------------------------------------------------------


def table_refused(table: Table) -> str:
    return (
        f"Folder {LANDING}/{table.folder} refused: it is {table.words}, whose files hold removed "
        "rows beside live ones. Export its rows as plain Parquet or CSV into another folder: "
        "df.write.parquet(...)."
    )


def part_of_table() -> str:
    return "it is a part of a table with a log, which is refused as a whole"


# --- withdrawal ----------------------------------------------------------------------------------


def withdrawn_already() -> str:
    return "Known already, nothing new was recorded."


def withdrawal_accepted(
    cycle_id: str | None, *, last: bool, reasons: Collection[ReasonKind], champion: str | None
) -> str:
    """What follows from it."""
    if cycle_id is None:
        when = "Accepted; it waits until the open cycle has ended."
    else:
        when = f"Accepted as cycle {cycle_id}."
    if last:
        serves = f"version {champion} keeps serving" if champion else "no version is trained"
        return f"{when} It was the last file: {serves} until another one passes its tests."
    if ReasonKind.DATA not in reasons:
        return (
            f"{when} The next data version lacks the file; data alone does not retrain this model "
            "(retrain.reasons in model.yml)."
        )
    return f"{when} The next data version lacks the file; versions trained on it stay as they are."


def not_held(model: str, name: str, *, count: int, near: str | None) -> str:
    """A file that cannot be withdrawn."""
    hint = f" Did you mean {short(near, LONGEST_NAME)}?" if near else ""
    return (
        f"The data set of {model} does not hold {short(name, LONGEST_NAME)}: it has "
        f"{plural(count, 'file')}.{hint} What became of it: "
        f"GET {file_address(model, name)}."
    )


def file_address(model: str, name: str) -> str:
    """Where what became of a file is read."""
    return f"/api/models/{model}/files/{quote(name)}"


def deletion() -> str:
    return "it was deleted from landing (data.deleted: withdraw)"


def deleted_and_kept(name: str) -> str:
    return (
        f"file {short(name, LONGEST_NAME)} was deleted from landing; its rows stay in the data set "
        "(data.deleted: keep in model.yml), withdraw it to take them out"
    )


def deleted_before(name: str) -> str:
    return f"file {short(name, LONGEST_NAME)} was deleted before its newest content landed"


def deleted_and_unused(name: str) -> str:
    return f"file {short(name, LONGEST_NAME)} was deleted; the data set did not hold it"


# --- lookup --------------------------------------------------------------------------------------


def never_arrived(place: str, near: str | None, *, files: int) -> str:
    hint = f" Did you mean {short(near, LONGEST_NAME)}?" if near else ""
    return (
        f"Nothing is known of {short(place, LONGEST_NAME)}; {plural(files, 'file')} of this model "
        f"arrived.{hint} A file that lies there without an event is found within ten minutes."
    )


def file_story(place: str, newest: str, contents: int) -> str:
    """Of the newest content; how many there were."""
    times = f" {contents:,} contents landed under this name; this is the newest." * (contents > 1)
    return f"{short(place, LONGEST_NAME)}: {newest}{times}"


def arrived(at_utc: datetime) -> str:
    return f"Arrived {time(at_utc)}."


def stale() -> str:
    return "Not used: a newer content of that name was known already."


def waits_for_cycle(open_cycle: str | None) -> str:
    if open_cycle is None:
        return "It waits for the next cycle; a request by hand starts one."
    return f"It waits until cycle {open_cycle} has ended, and goes into the next one."


def waits_after_failure(cycle_id: str) -> str:
    return (
        f"It waits for the next cycle, since cycle {cycle_id} failed before its data was pinned; "
        "a request by hand starts one."
    )


def being_tested(cycle_id: str) -> str:
    return f"It is being tested in cycle {cycle_id}."


def being_pinned(cycle_id: str, rows: int) -> str:
    return f"Accepted in cycle {cycle_id} ({plural(rows, 'row')}); its data version is being made."


def quarantined_in(cycle_id: str, sentence: str, where: str) -> str:
    return f"{ended(sentence)} That was cycle {cycle_id}; the copy and its report lie in {where}."


def superseded_in(cycle_id: str) -> str:
    return f"Superseded: overwritten, deleted or withdrawn before cycle {cycle_id} could read it."


def accepted_in(cycle_id: str, rows: int) -> str:
    return f"Accepted in cycle {cycle_id} ({plural(rows, 'row')})."


def held(data_versions: Sequence[str], model_versions: Sequence[str], waits: str | None) -> str:
    """Of a content that is data now; `waits` is what the last decision said."""
    since = f"In the data set since data version {data_versions[0]}."
    if model_versions:
        return f"{since} {_trained(model_versions)}"
    why = f" Last decision: {ended(waits)}" if waits else " The next decision is due."
    return f"{since} No version was trained on it yet.{why}"


def withdrawn_at(at_utc: datetime, text: str) -> str:
    return f"Withdrawn {time(at_utc)}: {ended(short(text))}"


def replaced_in(cycle_id: str) -> str:
    return f"Replaced by a newer file of its name in cycle {cycle_id}."


def held_until(data_versions: Sequence[str], model_versions: Sequence[str]) -> str:
    """Of a content that is no data any more."""
    if not data_versions:
        return "No data version held it."
    held_by = plural(len(data_versions), "data version")
    return f"{held_by} held it, the last was {data_versions[-1]}. {_trained(model_versions)}"


def _trained(model_versions: Sequence[str]) -> str:
    if not model_versions:
        return "No version was trained on it."
    shown = ", ".join(model_versions[-_MOST_VERSIONS:])
    more = len(model_versions) - _MOST_VERSIONS
    rest = f" and {more:,} before" if more > 0 else ""
    noun = "Version" if len(model_versions) == 1 else "Versions"
    verb = "was" if len(model_versions) == 1 else "were"
    return f"{noun} {shown}{rest} {verb} trained on it."


def not_in_report(place: str, report: str) -> str:
    return f"{short(place, LONGEST_NAME)} is not in {report}, the report of its cycle"
