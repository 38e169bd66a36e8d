"""Hosts in other scripts, in proxies and in the list of those that need none."""

import pytest

from trioscrape import Config, UsageError
from trioscrape._config.proxies import proxy
from trioscrape._urls import ascii_host


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        ("Example.ORG", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"),  # not fass.de, as IDNA 2003 has it
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("under_score.example", "under_score.example"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_host_is_encoded_as_uts_46_says(host: str, encoded: str) -> None:
    assert ascii_host(host) == encoded


def test_no_host() -> None:
    with pytest.raises(ValueError, match="Codepoint"):
        ascii_host("a\u2028b.example")


def test_a_proxy_is_looked_up_by_the_name_that_feeds_would_be() -> None:
    assert proxy("http_proxy", "http://faß.de:3128").host == "xn--fa-hia.de"

    with pytest.raises(UsageError, match="http_proxy must be an HTTP proxy"):
        proxy("http_proxy", "http://a\u2028b.example")


@pytest.mark.parametrize(
    "entry", ["bücher.example", ".Bücher.example", "*.bücher.example", "bücher.example:80"]
)
@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "news.xn--bcher-kva.example"])
def test_no_proxy_for_a_host_in_another_script(entry: str, host: str) -> None:
    """The fetcher knows hosts as they go over the wire."""
    proxies = Config(http_proxy="http://proxy.example:3128", no_proxy=(entry,)).proxies

    assert proxies.proxy_for("http", host, 80) is None
    assert proxies.proxy_for("http", "example", 80) is not None
