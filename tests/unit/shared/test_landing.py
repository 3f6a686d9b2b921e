import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data_tests.partitions import partition_values
from shared.domain.landing import Table, holds_no_data, partition_folder, table_of


@pytest.mark.parametrize(
    ("path", "size_bytes"),
    [
        ("m/export/_SUCCESS", 0),
        ("m/export/_started_17", 4),
        ("m/export/_committed_17", 90),
        ("m/export/.part-00000.csv.crc", 12),
        ("m/export/_temporary/0/part-00000.csv", 900),
        ("m/.DS_Store", 6148),
        ("_SUCCESS", 0),
        ("m/export", 0),
        ("m/export/", 0),
        ("m/export_$folder$", 0),
        ("m/export/part-00003-17.snappy.parquet", 0),
    ],
)
def test_marks_of_tools_are_no_data(path, size_bytes):
    assert holds_no_data(path, size_bytes)


@pytest.mark.parametrize(
    ("path", "size_bytes"),
    [
        ("m/MARCH.CSV", 10),
        ("m/rows", 10),
        ("m/data.csv.gz", 10),
        ("m/50 % off #1 é.csv", 10),
        ("m/country=DE/part-00000.csv", 10),
        ("m/empty.csv", 0),  # dropped by a person: refused with a finding
        ("m/2026_03.csv", 10),
    ],
)
def test_names_of_people_are_data(path, size_bytes):
    assert not holds_no_data(path, size_bytes)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("m/rows.csv", {}),
        ("m/a=b.csv", {}),
        ("m/export/country=DE/year=2026/part-0.csv", {"country": "DE", "year": "2026"}),
        ("m/city=New%20York/p.csv", {"city": "New York"}),
        ("m/when=2026-03-01%2007%3A30%3A00/p.csv", {"when": "2026-03-01 07:30:00"}),
        ("m/share=1+1%25/p.csv", {"share": "1+1%"}),
        ("m/land=Österreich/p.csv", {"land": "Österreich"}),
        ("m/country=__HIVE_DEFAULT_PARTITION__/p.csv", {"country": ""}),
        (f"m/{'x=' + 'y' * 500}/p.csv", {}),  # too long for a path of ours
    ],
)
def test_partition_folders_become_values(path, values):
    assert partition_values(f"{partition_folder(path)}/p.csv") == values


@given(st.text(min_size=1, max_size=20).filter(lambda text: "/" not in text and "%" not in text))
def test_any_value_passes_unchanged_and_never_reaches_a_shell(value):
    folder = partition_folder(f"m/column={value}/p.csv")

    assert re.fullmatch(r"[\w.~+=/-]*", folder, re.ASCII)
    assert partition_values(f"{folder}/p.csv") == {"column": value}


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("m/trips/_delta_log/00000000000000000000.json", Table("Delta", "m/trips/")),
        ("m/a/b/_delta_log/_last_checkpoint", Table("Delta", "m/a/b/")),
        ("m/_delta_log/00000000000000000000.json", Table("Delta", "m/")),
        ("m/trips/metadata/v1.metadata.json", Table("Iceberg", "m/trips/")),
        ("m/trips/metadata/00000-9f-4b.metadata.json", Table("Iceberg", "m/trips/")),
        ("m/trips/metadata/snap-77-1-4b.avro", Table("Iceberg", "m/trips/")),
        ("m/trips/metadata/4b-m0.avro", Table("Iceberg", "m/trips/")),
        ("m/trips/.hoodie/hoodie.properties", Table("Hudi", "m/trips/")),
        ("m/trips/part-00000.parquet", None),
        ("m/metadata/rows.csv", None),
        ("m/trips/_delta_log", None),  # the mark of the folder
        ("_delta_log/0.json", None),
    ],
)
def test_table_is_known_by_its_log(path, table):
    assert table_of(path) == table


def test_in_the_folder_of_the_model_only_what_tables_write_is_part_of_one():
    inside, root = Table("Delta", "m/trips/"), Table("Delta", "m/")

    assert inside.contains("m/trips/rows.csv")
    assert not inside.contains("m/trips-2026.csv")
    assert root.contains("m/part-00000-17.snappy.parquet")
    assert root.contains("m/country=DE/part-00000-17.snappy.parquet")
    assert not root.contains("m/rows.csv")
    assert not root.contains("m/export/part-00000.csv")
