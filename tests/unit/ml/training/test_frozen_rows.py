import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import NotEnoughRowsError, PinMismatchError
from ml.model_config import ModelConfig, read_model
from ml.step_files import Pin
from ml.training.pins import read_pins, verified_path
from ml.training.prepare import split
from ml.training.rows import CONTENT, ROW, is_frozen, merge, read_rows

MODEL = """\
name: houses
task: regression
target: price
IDENTITY
time: sold
data:
  DATA
  columns:
    id: {type: integer}
    size: {type: number, max_missing_percent: 50}
    kind: {type: category, values: [flat, house]}
    sold: {type: date}
    source: {type: text, drop: true}
    price: {type: number, max_missing_percent: 50}
training: {TRAINING}
gate:
  floors: {r2: 0}
"""


def houses(
    root: Path,
    *,
    identity: str = "id: id",
    training: str = "min_train_rows: 2",
    data: str = "min_rows: 1",
) -> ModelConfig:
    folder = root / "houses"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.py").touch()
    text = MODEL.replace("IDENTITY", identity).replace("TRAINING", training).replace("DATA", data)
    (folder / "model.yml").write_text(text)
    return read_model("houses", root)


def table(rows: int, *, first_id: int = 0) -> pd.DataFrame:
    numbers = np.arange(first_id, first_id + rows)
    return pd.DataFrame(
        {
            "id": numbers.astype(float),
            "size": 20.0 + numbers,
            "kind": np.where(numbers % 2, "flat", "house"),
            "sold": pd.Timestamp("2026-01-01") + pd.to_timedelta(numbers, unit="D"),
            "price": 1000.0 * numbers,
        }
    )


def pinned(folder: Path, frame: pd.DataFrame, name: str = "a.csv", **changes: object) -> Pin:
    frame.assign(source="x").to_csv(folder / name, index=False)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return Pin(**{"path": name, "sha256": digest, "rows": len(frame), "source": name} | changes)


def test_pinned_file_is_read_with_the_types_of_the_contract(tmp_path):
    config = houses(tmp_path)
    pin = pinned(tmp_path, table(5))

    rows = read_rows(verified_path(pin, tmp_path), pin, config)

    pd.testing.assert_frame_equal(rows, table(5), check_dtype=False)
    assert "source" not in rows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "accepted was 0000"),
        ({"path": "gone.csv"}, "is pinned but not there"),
        ({"path": "../a.csv"}, "leads out of the files folder"),
        ({"path": "/etc/passwd"}, "leads out of the files folder"),
        ({"rows": 6}, "has 5 rows, accepted were 6"),
    ],
)
def test_file_that_differs_from_its_pin_is_refused(tmp_path, change, said):
    pin = pinned(tmp_path, table(5), **change)

    with pytest.raises(PinMismatchError, match=said):
        read_rows(verified_path(pin, tmp_path), pin, houses(tmp_path))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("[", "is not a pin set"),
        ('{"format": 1}', "is not a pin set"),
        ('{"format": 2}', "format 2, this code reads 1"),
        (
            '{"format": 1, "model": "flats", "data_version": "a", "files": []}',
            "pins files of model 'flats'",
        ),
        ('{"format": 1, "model": "houses", "data_version": "a", "files": []}', "pins no file"),
    ],
)
def test_document_that_is_not_a_pin_set_of_this_model_is_refused(tmp_path, document, said):
    path = tmp_path / "pins.json"
    path.write_text(document)

    with pytest.raises(PinMismatchError, match=said):
        read_pins(path, model="houses")


def test_data_hash_depends_on_contents_not_on_file_names(tmp_path):
    path = tmp_path / "pins.json"

    def data_hash(*files: dict[str, object]) -> str:
        document = {"format": 1, "model": "m", "data_version": "v", "files": files}
        path.write_text(json.dumps(document))
        return read_pins(path, model="m").data_sha256

    one, other = ({"path": name, "sha256": name, "rows": 1} for name in ("aa", "bb"))

    assert data_hash(one, other) == data_hash({**one, "path": "renamed"}, other)
    assert data_hash(one, other) != data_hash(one)


def test_newest_row_of_an_id_is_kept(tmp_path):
    corrected = table(3).assign(price=7.0)

    merged = merge([table(5), corrected], houses(tmp_path))

    assert sorted(merged.rows["price"]) == [7.0, 7.0, 7.0, 3000.0, 4000.0]
    assert merged.replaced == 3


@pytest.mark.parametrize(("which", "price"), [("newest", 2.0), ("first", 1.0)])
def test_repeated_id_in_a_file_keeps_the_row_that_model_yml_names(tmp_path, which, price):
    row = table(1)
    older = row.assign(sold=pd.Timestamp("2026-01-01"), price=1.0)
    newer = row.assign(sold=pd.Timestamp("2026-02-01"), price=2.0)
    # Sorted with the newest first, as many exports are, where the time says which one it is.
    frame = pd.concat([older, newer] if which == "first" else [newer, older], ignore_index=True)
    config = houses(tmp_path, data=f"repeated_ids: {which}")

    assert list(merge([frame], config).rows["price"]) == [price]


@pytest.mark.parametrize("which", ["newest", "first"])
def test_across_files_the_newest_file_wins_whatever_repeated_ids_says(tmp_path, which):
    config = houses(tmp_path, data=f"repeated_ids: {which}")
    late = table(1).assign(sold=pd.Timestamp("2020-01-01"), price=9.0)

    assert list(merge([table(1), late], config).rows["price"]) == [9.0]


def test_without_an_id_duplicates_are_dropped_across_files_but_kept_within_one(tmp_path):
    config = houses(tmp_path, identity="id: null")
    first = pd.concat([table(4), table(1)], ignore_index=True).assign(id=1.0)
    again = pd.concat([first, table(2, first_id=9)], ignore_index=True).assign(id=1.0)

    merged = merge([first, again], config)

    assert len(merged.rows) == 7
    assert merged.replaced == 5


def test_rows_without_target_are_left_out_and_counted(tmp_path):
    frame = table(4)
    frame.loc[1, "price"] = np.nan

    merged = merge([frame], houses(tmp_path))

    assert len(merged.rows) == 3
    assert merged.without_target == 1


def test_sliding_window_ends_at_the_newest_row(tmp_path):
    training = "window: sliding, window_days: 10, min_train_rows: 2"

    merged = merge([table(30)], houses(tmp_path, training=training))

    assert merged.rows["sold"].min() == pd.Timestamp("2026-01-21")
    assert merged.outside_window == 20


def test_order_of_rows_in_a_file_does_not_matter(tmp_path):
    config = houses(tmp_path)
    frame = table(30)

    straight = merge([frame], config)
    shuffled = merge([frame.sample(frac=1, random_state=3)], config)

    pd.testing.assert_frame_equal(straight.rows, shuffled.rows)


def test_row_stays_in_train_or_test_when_more_data_arrive(tmp_path):
    config = houses(tmp_path, training="min_train_rows: 2, min_test_rows: 2")

    before = split(merge([table(100)], config).rows, config)
    after = split(merge([table(100), table(100, first_id=100)], config).rows, config)

    assert set(before.test[ROW]) <= set(after.test[ROW])
    assert set(before.train[ROW]) <= set(after.train[ROW])
    assert not set(after.train[ROW]) & set(after.test[ROW])


@given(st.text(), st.floats(5, 50))
def test_raising_test_percent_keeps_the_frozen_rows(key, percent):
    keys = pd.Series([key])

    if is_frozen(keys, test_percent=percent).all():
        assert is_frozen(keys, test_percent=percent + 1).all()


def test_share_of_frozen_rows_is_test_percent():
    keys = pd.Series([str(number) for number in range(20_000)])

    # Four standard deviations of a binomial with n = 20,000 and p = 0.2 are 0.0113.
    assert is_frozen(keys, test_percent=20).mean() == pytest.approx(0.2, abs=0.0113)


def test_duplicate_of_a_frozen_row_is_not_trained_on(tmp_path):
    config = houses(tmp_path, training="min_train_rows: 2, min_test_rows: 2")
    duplicates = table(60).assign(size=1.0, kind="flat", price=np.arange(60.0) // 2)
    rows = merge([duplicates], config).rows

    prepared = split(rows, config)

    test_contents = set(rows[rows[ROW].isin(prepared.test[ROW])][CONTENT])
    trained = rows[rows[ROW].isin(prepared.train[ROW])]
    assert prepared.twins_left_out > 0
    assert not set(trained[CONTENT]) & test_contents
    assert len(trained) + len(prepared.test) + prepared.twins_left_out == 60


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table(20), r"\d+ training rows, at least 50 are needed \(training.min_train_rows\)"),
        (table(70), r"\d+ test rows, at least 30 are needed \(training.min_test_rows\)"),
        (table(300).assign(price=5.0), "target price has one value in all"),
    ],
)
def test_too_few_rows_or_a_constant_target_are_refused(tmp_path, frame, said):
    config = houses(tmp_path, training="min_train_rows: 50, min_test_rows: 30")

    with pytest.raises(NotEnoughRowsError, match=said):
        split(merge([frame], config).rows, config)
