"""What a proxy is, and which URL goes through which."""

from __future__ import annotations

import pytest

from trioscrape import Config, UsageError
from trioscrape._config.proxies import Proxies, literal, proxy


@pytest.mark.parametrize(
    ("url", "shown", "userinfo"),
    [
        ("http://proxy.test:3128", "http://proxy.test:3128", b""),
        ("HTTP://Proxy.test/", "http://proxy.test:80", b""),
        ("proxy.test:3128", "http://proxy.test:3128", b""),
        ("http://me:s3%40cret@10.0.0.1:8080", "http://10.0.0.1:8080", b"me:s3%40cret"),
        ("me:s3cret@proxy.test:8080", "http://proxy.test:8080", b"me:s3cret"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128", b""),
    ],
)
def test_what_a_proxy_is(url: str, shown: str, userinfo: bytes) -> None:
    found = proxy("http_proxy", url)

    assert (found.redacted_url, found.userinfo) == (shown, userinfo)
    assert "s3" not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "https://proxy.test",
        "socks5://proxy.test:1080",
        "http://proxy.test:0",
        "http://proxy.test:x",
        "http://proxy.test/path",
        "http://proxy.test?q",
        "http://a b",
        "http://a\r\nb",
        "http://[::1",
        f"http://{'a' * 70}.test",
    ],
)
@pytest.mark.parametrize("name", ["http_proxy", "https_proxy"])
def test_no_proxy(name: str, url: str) -> None:
    with pytest.raises(UsageError, match=f"^{name} must be an HTTP proxy like .*, not '"):
        Config(**{name: url})  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["socks5://me:s3cret@h", "http://me:s3/cret@h", "http://me:s3cret@h:x"])
def test_a_bad_proxy_is_not_repeated_where_it_may_hold_a_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Config(http_proxy=url)

    assert "s3" not in str(caught.value)


def test_a_password_is_not_in_the_settings_repr() -> None:
    assert "s3cret" not in repr(Config(http_proxy="http://me:s3cret@h", https_proxy="http://me:s3cret@h"))


@pytest.mark.parametrize(
    ("direct", "host", "port", "is_direct"),
    [
        ("", "a.test", 80, False),
        ("*", "a.test", 80, True),
        ("a.test", "a.test", 80, True),
        ("A.Test", "a.test.", 80, True),
        ("a.test", "sub.a.test", 80, True),
        (".a.test", "sub.a.test", 80, True),
        (".a.test", "a.test", 80, True),
        ("*.a.test", "sub.a.test", 80, True),
        ("a.test", "ba.test", 80, False),
        ("a.test:8080", "a.test", 80, False),
        ("a.test:8080", "a.test", 8080, True),
        ("b.test  a.test", "a.test", 80, True),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.0/8", "a.test", 80, False),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.1.2.3:81", "10.1.2.3", 80, False),
        ("fd00::/8", "fd00::1", 80, True),
        ("[fd00::1]", "fd00::1", 80, True),
        ("[fd00::1]:81", "fd00::1", 80, False),
        ("bücher.example", "xn--bcher-kva.example", 80, True),
        (".BÜCHER.example:80", "feeds.xn--bcher-kva.example", 80, True),
        ("faß.de", "fass.de", 80, False),
        ("", "localhost", 80, True),
        ("", "a.localhost", 80, True),
        ("", "127.0.0.1", 80, True),
        ("", "127.1", 80, True),
        ("", "::1", 80, True),
        ("", "10.0.0.1", 80, False),
    ],
)
def test_what_is_reached_directly(direct: str, host: str, port: int, is_direct: bool) -> None:
    proxies = Proxies("http://p.test:1", "http://p.test:2", direct.split())

    for scheme, proxy_port in ("http", 1), ("https", 2):
        found = proxies.proxy_for(scheme, host, port)
        assert (None if found is None else found.port) == (None if is_direct else proxy_port)


def test_which_proxies_are_used() -> None:
    assert Proxies(None, None).redacted_urls == ()
    assert Proxies("http://me@p.test:1", "http://p.test:1").redacted_urls == ("http://p.test:1",)
    assert Proxies("http://p.test:1", "http://p.test:2", ["*"]).redacted_urls == ()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fd00::1", "fd00::1"),
        ("2852039166", "169.254.169.254"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("169.254.43518", "169.254.169.254"),
        ("0251.254.169.254", "169.254.169.254"),
        ("a.test", "None"),
        ("1.2.3.4.test", "None"),
        ("", "None"),
    ],
)
def test_addresses_in_every_spelling(host: str, address: str) -> None:
    assert str(literal(host)) == address


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
