"""What is held does not grow with the rows."""

import pyarrow.parquet as pq
from window_bench import NOON

from ml.model_config import ColumnContract
from ml.monitoring.collected import Recent
from ml.monitoring.rows_file import RowsFile
from ml.reference.columns import Comparable


def test_rows_go_to_disk_before_they_pile_up(tmp_path):
    columns = [
        Comparable(name, ColumnContract(name, "number"), is_number=True) for name in "abcdefghij"
    ]
    row = dict.fromkeys("abcdefghij", 1.5)

    with RowsFile(tmp_path / "rows.parquet", columns) as file:
        most = 0
        for _ in range(60):
            file.add_rows([row] * 1_000, NOON)
            most = max(most, len(file._times))

    assert most < 20_000
    assert pq.ParquetFile(tmp_path / "rows.parquet").metadata.num_row_groups == 3
    assert file.rows == 60_000


def test_a_row_with_endless_columns_of_its_own_is_not_remembered_whole(tmp_path):
    with RowsFile(tmp_path / "rows.parquet", []) as file:
        file.add_rows([{f"column {i}": 1 for i in range(100_000)}], NOON)

    assert len(file.others) == 50


def test_only_what_came_lately_is_remembered():
    recent = Recent()

    first = [recent.has("event", i) for i in range(100_001)]

    assert not any(first)
    assert recent.has("event", 100_000)
    assert not recent.has("event", 0)
    assert len(recent._seen) == 100_000
