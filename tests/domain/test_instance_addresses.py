"""The URLs at which instances ask each other."""

import pytest

from casare_rpa.domain.instance_addresses import host_of_instance


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://10.0.0.5:8000", "10.0.0.5"),
        ("https://north.example.com", "north.example.com"),
        ("http://North_1:8000", "north_1"),
        ("http://[fd00::5]:8000", "fd00::5"),
        ("http://127.0.0.1:8000", "127.0.0.1"),
    ],
)
def test_url_of_an_instance_has_a_host(address: str, host: str) -> None:
    assert host_of_instance(address) == host


@pytest.mark.parametrize(
    "address",
    [
        "",
        "10.0.0.5:8000",
        "ftp://10.0.0.5",
        "http://",
        "http://:8000",
        "http://10.0.0.5:0",
        "http://10.0.0.5:65536",
        "http://10.0.0.5:http",
        "http://[fd00::5",
        "http://user:hidden@10.0.0.5:8000",
        "http://10.0.0.5:8000/",
        "http://10.0.0.5:8000/casare",
        "http://10.0.0.5:8000?a=b",
        "http://10.0.0.5:8000#a",
        "http://0.0.0.0:8000",
        "http://[::]:8000",
        "http://a b:8000",
        "http://*.example.com",
        "HTTP://10.0.0.5",
    ],
)
def test_another_text_is_not_the_url_of_an_instance(address: str) -> None:
    assert host_of_instance(address) == ""
