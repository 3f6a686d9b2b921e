from __future__ import annotations

import pytest

from shared.adapters.error_text import error_text


@pytest.mark.parametrize(
    "text",
    [
        "Max retries exceeded with url: /c/b?sv=2024&sp=rw&sig=S3cret%2F%3D&se=1",
        "AccountName=a;AccountKey=S3cret==;BlobEndpoint=http://x",
        "headers: {'Authorization': 'Bearer S3cret.eyJ0-x_y'}",
        "SharedAccessKey=S3cret",
    ],
)
def test_secrets_in_urls_and_headers_are_masked(text):
    assert "S3cret" not in error_text(RuntimeError(text))
    assert "***" in error_text(RuntimeError(text))


def test_error_text_is_a_single_line_of_limited_length():
    assert error_text(RuntimeError("a  b\n\tc\nd")) == "a b c d"
    assert error_text(RuntimeError("first\nRequestId: 1"), lines=1) == "first"
    assert len(error_text(RuntimeError("x" * 5000))) == 601
    assert error_text(RuntimeError()) == "RuntimeError"
    assert error_text(RuntimeError("\x1b[31m(x) no such thing\x1b[39m\n")) == "(x) no such thing"
