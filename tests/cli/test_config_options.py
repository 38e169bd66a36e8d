"""The options that are settings of a scrape: what may be given, and what is said about it."""

from __future__ import annotations

import pytest

from trioscrape._cli.command import parse
from trioscrape._cli.config_options import config
from trioscrape._cli.shared_options import store_url
from trioscrape._config.config import AddressPolicy, Config, HostGrouping, ranges
from trioscrape._errors import UsageError


def settings(*arguments: str) -> Config:
    return config(parse(arguments)[1])


def test_the_defaults_are_those_of_the_library() -> None:
    assert settings("feeds.txt") == Config()
    assert settings("demo") == Config()
    assert settings("export") == Config()


def test_numbers_sizes_and_the_rest() -> None:
    arguments = (
        "- --dns-width 7 --read-timeout 2.5 --body-limit 4MiB --bytes-in-flight 1gb "
        "--address-policy public --http2 --user-agent me/1 --all --interval 3600 "
        "--allow-network 10.0.0.0/8 --allow-network fd00::1 --deny-network 192.0.2.0/24 "
        "--proxy http://p.test:1 --ca-file ca.pem --host-delay 1.5 --group-hosts-by domain"
    )

    assert settings(*arguments.split()) == Config(
        dns_width=7,
        host_delay=1.5,
        group_hosts_by=HostGrouping.DOMAIN,
        read_timeout=2.5,
        body_limit=4 * 2**20,
        bytes_in_flight=10**9,
        address_policy=AddressPolicy.PUBLIC,
        allow_networks=("10.0.0.0/8", "fd00::1"),
        deny_networks=("192.0.2.0/24",),
        http2=True,
        http_proxy="http://p.test:1",
        https_proxy="http://p.test:1",
        ca_file="ca.pem",
        ignore_schedule=True,
        interval=3600,
        user_agent="me/1",
    )


def test_where_the_store_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_url(parse(["x"])[1]) == "sqlite:trioscrape.db"

    monkeypatch.setenv("TRIOSCRAPE_STORE", "sqlite:mine.db")

    for command in "x", "export", "import x":
        assert store_url(parse(command.split())[1]) == "sqlite:mine.db"
        assert store_url(parse([*command.split(), "--store", "sqlite:other.db"])[1]) == "sqlite:other.db"


@pytest.mark.parametrize("command", ["demo", "--demo"])
def test_the_demo_has_a_store_of_its_own(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIOSCRAPE_STORE", "sqlite:mine.db")

    assert store_url(parse([command])[1]) == "sqlite:trioscrape-demo.db"
    assert store_url(parse([command, "--store", "sqlite:other.db"])[1]) == "sqlite:other.db"


@pytest.mark.parametrize("name", list(ranges()))
def test_a_number_out_of_range_is_told_the_range(name: str) -> None:
    option = f"--{name.replace('_', '-')}"

    for bad in ("-1", "nan", "9e99", "many", ""):
        with pytest.raises(UsageError, match=f"^{option} must be a .* from .* to .*, not {bad!r}$"):
            settings("x", f"{option}={bad}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--body-limit", "3GiB"], "--body-limit must be a size from 1 to 2GiB, not '3GiB'"),
        (["--dns-width", "0"], "--dns-width must be a whole number from 1 to 1000, not '0'"),
        (
            ["--interval", "soon"],
            "--interval must be a number of seconds, or a duration such as 15m, from 0 to 31536000,"
            " not 'soon'",
        ),
        (
            ["--allow-network", "10.0.0.1/8"],
            "--allow-network takes networks like 10.0.0.0/8 or fd00::/8, not '10.0.0.1/8'"
            " (did you mean 10.0.0.0/8?)",
        ),
        (
            ["--deny-network", "10.0.0.0/8", "--deny-network", "tea"],
            "--deny-network takes networks like 10.0.0.0/8 or fd00::/8, not 'tea'",
        ),
        (["--deny-network", ""], "--deny-network takes networks like 10.0.0.0/8 or fd00::/8, not ''"),
        (
            ["--proxy", "socks5://p.test"],
            "--proxy must be an HTTP proxy like http://proxy.example:3128, not 'socks5://p.test'",
        ),
        (["--group-hosts-by", "net"], "--group-hosts-by must be one of host, domain, address, not 'net'"),
        (
            ["--user-agent", "a\nb"],
            "--user-agent must be printable ASCII, not empty, without spaces at its ends",
        ),
        (
            ["--resolver", "tls:1.1.1.1"],
            "--resolver must be system, dns, or dns:SERVER[:PORT] with the server's IP address"
            " (several are separated by commas), not 'tls:1.1.1.1'",
        ),
    ],
)
def test_a_value_that_is_not_allowed(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings("x", *arguments)

    assert str(caught.value) == message


def test_grouping_by_domain_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trioscrape._config.config.available", lambda: False)

    with pytest.raises(UsageError, match=r"^--group-hosts-by domain needs publicsuffixlist: python -m pip"):
        settings("x", "--group-hosts-by", "domain")


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({}, "x", (None, None, ())),
        ({"HTTP_PROXY": "h:1", "HTTPS_PROXY": "s:2"}, "x", ("h:1", "s:2", ())),
        ({"http_proxy": "h:1", "HTTP_PROXY": "other"}, "x", ("h:1", None, ())),
        ({"ALL_PROXY": "a:3", "https_proxy": "s:2"}, "x", ("a:3", "s:2", ())),
        ({"http_proxy": "", "NO_PROXY": "a.test, .b.test"}, "x", (None, None, ("a.test", ".b.test"))),
        ({"HTTP_PROXY": "h:1", "no_proxy": "a.test"}, "x --proxy p:4", ("p:4", "p:4", ("a.test",))),
        ({"HTTP_PROXY": "h:1", "ALL_PROXY": "a:3"}, "x --proxy none", (None, None, ())),
        ({"HTTP_PROXY": "h:1"}, "--demo", (None, None, ())),
    ],
)
def test_where_the_proxies_come_from(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: str,
    expected: tuple[str | None, str | None, tuple[str, ...]],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    found = settings(*arguments.split())

    assert (found.http_proxy, found.https_proxy, found.no_proxy) == expected


@pytest.mark.parametrize("name", ["ALL_PROXY", "https_proxy"])
def test_a_bad_proxy_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "socks5://me:s3cret@p.test")

    with pytest.raises(UsageError, match=rf"^\${name} must be an HTTP proxy .*, not the one given$"):
        settings("x")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("2.5", 2.5), ("90s", 90), ("15m", 900), ("15min", 900), ("1.5h", 5400), ("1h30m", 5400),
        ("1h 30min", 5400), ("2 hours", 7200), ("1D", 86_400), ("2w", 14 * 86_400),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert settings("x", "--interval", text).interval == seconds


def test_a_short_duration() -> None:
    assert settings("x", "--connect-timeout=500ms").connect_timeout == 0.5


@pytest.mark.parametrize("text", ["15x", "m", "15m30", "1h,30m", "-5m", "15 m m", "5m h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match=f"or a duration such as 15m, from 0 to 31536000, not '{text}'$"):
        settings("x", f"--interval={text}")
