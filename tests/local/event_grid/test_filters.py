import pytest

from local.event_grid.filters import filter_problems, wants
from local.event_grid.models import AdvancedFilterEntry, FilterEntry

EVENT = {
    "id": "1",
    "topic": "/t",
    "subject": "/blobServices/default/containers/Landing/blobs/a.CSV",
    "eventType": "Microsoft.Storage.BlobCreated",
    "data": {
        "api": "PutBlob",
        "size": 10,
        "deep": {"flag": True, "off": False},
        "tags": ["a", "b"],
        "nothing": None,
    },
}


def passes(operator, key, values=None, value=None):
    entry = AdvancedFilterEntry(operator=operator, key=key, values=values, value=value)
    advanced = FilterEntry(advanced=[entry])
    assert filter_problems(advanced) == []
    return wants(advanced, EVENT)


@pytest.mark.parametrize(
    ("operator", "key", "given", "expected"),
    [
        ("StringIn", "data.api", ["putblob", "x"], True),
        ("StringIn", "data.api", ["CopyBlob"], False),
        ("StringNotIn", "data.api", ["CopyBlob", "DeleteBlob"], True),
        ("StringNotIn", "data.api", ["CopyBlob", "PUTBLOB"], False),
        ("StringContains", "subject", ["/landing/"], True),
        ("StringContains", "subject", ["/other/"], False),
        ("StringNotContains", "subject", ["/other/", "/landing/"], False),
        ("StringNotContains", "subject", ["/other/"], True),
        ("StringBeginsWith", "data.api", ["put"], True),
        ("StringBeginsWith", "data.api", ["blob"], False),
        ("StringNotBeginsWith", "data.api", ["put", "x"], False),
        ("StringNotBeginsWith", "data.api", ["blob"], True),
        ("StringEndsWith", "subject", [".csv"], True),
        ("StringEndsWith", "subject", [".json"], False),
        ("StringNotEndsWith", "subject", [".csv"], False),
        ("StringNotEndsWith", "subject", [".json"], True),
        ("NumberIn", "data.size", [1, 10.0], True),
        ("NumberIn", "data.size", [1], False),
        ("NumberNotIn", "data.size", [1], True),
        ("NumberNotIn", "data.size", [10], False),
        ("NumberInRange", "data.size", [[0, 5], [10, 20]], True),
        ("NumberInRange", "data.size", [[0, 9.9]], False),
        ("NumberNotInRange", "data.size", [[0, 9.9]], True),
        ("NumberNotInRange", "data.size", [[0, 10]], False),
    ],
)
def test_operators_on_several_values(operator, key, given, expected):
    assert passes(operator, key, values=given) is expected


@pytest.mark.parametrize(
    ("operator", "key", "given", "expected"),
    [
        ("NumberGreaterThan", "data.size", 9.5, True),
        ("NumberGreaterThan", "data.size", 10, False),
        ("NumberGreaterThanOrEquals", "data.size", 10, True),
        ("NumberGreaterThanOrEquals", "data.size", 11, False),
        ("NumberLessThan", "data.size", 11, True),
        ("NumberLessThan", "data.size", 10, False),
        ("NumberLessThanOrEquals", "data.size", 10, True),
        ("NumberLessThanOrEquals", "data.size", 9, False),
        ("BoolEquals", "data.deep.flag", True, True),
        ("BoolEquals", "data.deep.off", False, True),
        ("BoolEquals", "data.deep.flag", False, False),
    ],
)
def test_operators_on_one_value(operator, key, given, expected):
    assert passes(operator, key, value=given) is expected


@pytest.mark.parametrize("key", ["data.absent", "data.nothing", "data.api.deeper", "absent"])
def test_missing_or_null_value_matches_only_negated_operators(key):
    assert passes("IsNullOrUndefined", key)
    assert not passes("IsNotNull", key)
    for operator in ("StringIn", "StringContains", "StringBeginsWith", "StringEndsWith"):
        assert not passes(operator, key, values=["", "none"])
    assert not passes("NumberIn", key, values=[0])
    assert not passes("NumberInRange", key, values=[[-1, 1]])
    assert not passes("NumberLessThan", key, value=1)
    assert not passes("BoolEquals", key, value=False)
    for operator in ("StringNotIn", "StringNotContains", "StringNotBeginsWith"):
        assert passes(operator, key, values=["x"])
    assert passes("NumberNotIn", key, values=[0])
    assert passes("NumberNotInRange", key, values=[[-1, 1]])


def test_array_matches_no_operator():
    assert not passes("StringIn", "data.tags", values=["a"])
    assert not passes("StringNotIn", "data.tags", values=["z"])
    assert passes("IsNotNull", "data.tags")


def test_numbers_strings_and_booleans_never_match_each_other():
    assert not passes("NumberIn", "data.deep.flag", values=[1])
    assert not passes("StringIn", "data.size", values=["10"])
    assert not passes("NumberGreaterThan", "data.api", value=0)


def test_filter_keys_ignore_case():
    assert passes("StringIn", "Data.API", values=["PutBlob"])


def test_all_advanced_filters_must_match():
    both = [
        AdvancedFilterEntry(operator="StringIn", key="data.api", values=["PutBlob"]),
        AdvancedFilterEntry(operator="NumberGreaterThan", key="data.size", value=100),
    ]

    assert wants(FilterEntry(advanced=both[:1]), EVENT)
    assert not wants(FilterEntry(advanced=both), EVENT)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"included_event_types": ["Microsoft.Storage.BlobCreated"]}, True),
        ({"included_event_types": ["Microsoft.Storage.BlobDeleted"]}, False),
        ({"included_event_types": []}, False),
        ({"subject_begins_with": "/blobServices/default/containers/landing/blobs/"}, True),
        ({"subject_begins_with": "/blobservices/", "case_sensitive": True}, False),
        ({"subject_ends_with": ".csv"}, True),
        ({"subject_ends_with": ".csv", "case_sensitive": True}, False),
        ({"subject_ends_with": ".CSV", "case_sensitive": True}, True),
    ],
)
def test_filters_on_event_type_and_subject(filters, expected):
    assert wants(FilterEntry(**filters), EVENT) is expected


def test_cloud_event_is_filtered_by_its_own_attribute_names():
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "drift", "subject": "m/a"}

    assert wants(FilterEntry(included_event_types=["drift"], subject_begins_with="M/"), event)
    assert not wants(FilterEntry(included_event_types=["other"]), event)


def test_filters_that_azure_refuses_are_all_listed():
    entries = [
        AdvancedFilterEntry(operator="StringMatches", key="a", values=["x"]),
        AdvancedFilterEntry(operator="StringIn", key="b"),
        AdvancedFilterEntry(operator="NumberGreaterThan", key="c", value="text"),
        AdvancedFilterEntry(operator="NumberInRange", key="d", values=[[1.0]]),
        AdvancedFilterEntry(operator="IsNotNull", key="e", values=["x"]),
        AdvancedFilterEntry(operator="StringIn", key="f", values=["x" * 513]),
        AdvancedFilterEntry(operator="StringIn", key="g", values=[str(n) for n in range(25)]),
    ]

    problems = filter_problems(FilterEntry(advanced=entries))

    assert problems == [
        "StringMatches on a: Event Grid has no such operator",
        "StringIn on b: needs 'values', a list of texts",
        "NumberGreaterThan on c: needs 'value', a number",
        "NumberInRange on d: needs 'values', a list of [from, to]",
        "IsNotNull on e: takes no value",
        "StringIn on f: a value has 513 characters, limit 512",
        "7 advanced filters with 29 values, limit 25 of each",
    ]
