"""Container and blob are read from URLs of every shape."""

import pytest

from shared.errors import EventRejectedError
from shared.wire.storage import BlobAddress, read_blob_url


@pytest.mark.parametrize(
    ("url", "container", "name"),
    [
        ("https://acc.blob.core.windows.net/landing/diabetes/a.csv", "landing", "diabetes/a.csv"),
        ("https://acc.z12.blob.storage.azure.net/landing/a/b/c.csv", "landing", "a/b/c.csv"),
        ("https://acc.blob.core.windows.net/landing/m/a%20b%C3%A9.csv", "landing", "m/a bé.csv"),
        ("http://127.0.0.1:10000/devstoreaccount1/landing/m/x.csv", "landing", "m/x.csv"),
        ("http://localhost:10000/devstoreaccount1/landing/m/x.csv", "landing", "m/x.csv"),
        ("http://azurite:10000/devstoreaccount1/landing/m/x.csv", "landing", "m/x.csv"),
        ("http://[::1]:10000/devstoreaccount1/landing/m/x.csv", "landing", "m/x.csv"),
        ("https://acc.dfs.core.windows.net/landing/m/x.csv", "landing", "m/x.csv"),
        ("https://acc.blob.core.windows.net/landing/m/50%25%2Foff.csv", "landing", "m/50%/off.csv"),
        ("https://acc.blob.core.windows.net/landing/m/x.csv?sv=1#y", "landing", "m/x.csv"),
        ("https://acc.blob.core.windows.net/$root/x.csv", "$root", "x.csv"),
    ],
)
def test_container_and_blob_name_are_read_from_the_url(url, container, name):
    assert read_blob_url(url) == BlobAddress(container=container, name=name)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "landing/diabetes/a.csv",
        "ftp://acc.blob.core.windows.net/landing/a.csv",
        "https://acc.blob.core.windows.net/landing",
        "https://acc.blob.core.windows.net/landing/",
        "https://acc.blob.core.windows.net/landing//",
        "http://127.0.0.1:10000/devstoreaccount1/landing",
        "https://acc.blob.core.windows.net/landing/%ff.csv",
        "https://[half/landing/a.csv",
    ],
)
def test_url_without_a_blob_is_rejected(url):
    with pytest.raises(EventRejectedError) as caught:
        read_blob_url(url)

    assert repr(url) in str(caught.value)
