"""Cells as people and programs write them, and contracts that read them."""

from __future__ import annotations

from hypothesis import strategies as st

from ml.model_config import ColumnContract

WORDS = (
    *("", " ", "\u00a0", "NA", " NA ", "nan", "NAN", "None", "none", "?", " ?", "-", "#N/A", "."),
    *("a", " a", "A ", "b c", "b  c", "true", "TRUE", "False", "1.0", "1.", "01", "+1", "10%"),
    *("1,234", "1,5", "0,123", "1.234,5", "1.234.567", "12.000", "1 234", "1'234", "12 kg", "$3"),
    *("inf", "-Infinity", "1e5", "4.01E+11", "1E400", "0x10", "1_000", "--1", "1\x00", "\u0661"),
    *("12345678901234567", "0000000000000000012", "9007199254740993", "0.1234567890123456789"),
    *("2026-03-01", "01.03.2026", "2026-02-30", "20260301", "2026-03-01T04:05:06+02:00", "-200"),
)
PARQUET = (None, True, False, 0, 1, -200, 2**53 + 1, 1.0, 2.5, -0.0, float("nan"), float("inf"))

numbers_in_text = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.from_regex(
        r"[ +-]?[0-9]{0,4}[.,' ]?[0-9]{0,4}[.,]?[0-9]{0,3}(e[+-]?[0-9]{1,3})?", fullmatch=True
    ),
)
text_cells = st.sampled_from(WORDS) | numbers_in_text | st.text(max_size=6)
any_cells = text_cells | st.sampled_from(PARQUET) | st.floats() | st.integers(-(2**70), 2**70)

_missing = st.lists(st.sampled_from(["?", "-", "#N/A", "-200", "a"]), max_size=2, unique=True)
_signs = st.sampled_from(
    [(None, None), (".", None), (",", None), (",", "."), (".", ","), (",", " "), (".", "'")]
)


@st.composite
def contracts(draw: st.DrawFn, kind: str | None = None) -> ColumnContract:
    kind = kind or draw(st.sampled_from(["number", "integer", "category", "text", "date"]))
    missing = tuple(draw(_missing))
    if kind in {"number", "integer"}:
        decimal, thousands = draw(_signs)
        return ColumnContract("c", kind, missing=missing, decimal=decimal, thousands=thousands)
    if kind == "date":
        form = draw(st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "ISO8601"]))
        return ColumnContract("c", kind, missing=missing, date_format=form)
    listed = draw(
        st.sampled_from(
            [None, ("a", "b c"), ("NA", "None"), ("1", "2"), ("true", "false"), ("01", "1.0")]
        )
    )
    if kind == "text" or listed is None:
        return ColumnContract("c", kind, missing=missing)
    further = tuple(word for word in missing if word not in listed)
    return ColumnContract("c", kind, categories=listed, missing=further)
