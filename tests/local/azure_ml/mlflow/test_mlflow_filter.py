"""The filters that MLflow's searches of models and versions accept."""

from __future__ import annotations

import pytest

from local.azure_ml.mlflow.filters import FilterError, matches, parse_filter, parse_order

ITEM = {
    "name": "churn",
    "run_id": "r1",
    "version_number": 10,
    "tags.role": "champion",
    "tags.a b": "x",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("name = 'churn'", True),
        ("name='other'", False),
        ("name != 'other' AND run_id = 'r1'", True),
        ("name LIKE 'ch%'", True),
        ("name LIKE 'CH%'", False),
        ("name ILIKE 'CH_RN'", True),
        ("run_id IN ('r0', 'r1')", True),
        ("run_id NOT IN ('r1')", False),
        ("version_number > 9", True),
        ("version_number <= 9", False),
        ("tags.role = 'champion' and tags.`a b` = 'x'", True),
        ('tags.role = "champion"', True),
        ("tags.absent != 'x'", False),
        ("name = 'and'", False),
    ],
)
def test_filter_with_and_selects_matching_models(text, expected):
    assert matches(ITEM, parse_filter(text)) is expected


@pytest.mark.parametrize(
    "text",
    ["name", "name = churn", "colour = 'x'", "name = 'a' or name = 'b'", "name = 'a' name = 'b'"],
)
def test_unsupported_filter_is_refused(text):
    with pytest.raises(FilterError, match="Invalid"):
        parse_filter(text)


def test_order_by_accepts_known_fields_and_a_direction():
    assert parse_order(["name DESC", "version_number"], {"name", "version_number"}) == [
        ("name", True),
        ("version_number", False),
    ]
    with pytest.raises(FilterError, match="colour"):
        parse_order("colour", {"name"})
