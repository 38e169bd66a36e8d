"""The options of the command line: what may be asked for, and what is said about it."""

from __future__ import annotations

import pytest

from trioscrape._cli.options import Options, parse
from trioscrape._config.config import AddressPolicy, Config, HostGrouping, settings
from trioscrape._errors import UsageError


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch):
    monkeypatch.delenv("TRIOSCRAPE_STORE", raising=False)
    for name in "http_proxy", "https_proxy", "all_proxy", "no_proxy":
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_help_documents_every_option(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])

    assert caught.value.code == 0
    text = capsys.readouterr().out
    numbers = [f"--{name.replace('_', '-')}" for name in settings()]
    others = [
        "--demo",
        "--store",
        "--all",
        "--json",
        "--version",
        "--address-policy",
        "--http2",
        "--user-agent",
    ]
    others += ["--allow-network", "--deny-network", "--proxy", "--ca-file", "$NO_PROXY", "--group-hosts-by"]
    for option in (*numbers, *others, "FEEDS", "TRIOSCRAPE_STORE", "sqlite:trioscrape.db"):
        assert option in text
    assert text.count("(default: ") >= len(settings())


def test_each_group_has_an_example_that_works(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])

    text = capsys.readouterr().out
    examples = [line for line in text.splitlines() if line.startswith("  example: trioscrape ")]
    groups = [line for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert len(examples) == len(groups) == 8
    for example in examples:
        parse(example.split()[2:])


def test_help_fits_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        parse(["--help"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_version(capsys):
    with pytest.raises(SystemExit):
        parse(["--version"])

    assert capsys.readouterr().out == "trioscrape 0.1.0\n"


def test_the_defaults_are_those_of_the_library():
    assert parse(["x"]) == Options("x", "sqlite:trioscrape.db", False, Config())


def test_numbers_sizes_and_the_rest():
    arguments = (
        "- --dns-width 7 --read-timeout 2.5 --body-limit 4MiB --bytes-in-flight 1gb "
        "--address-policy public --http2 --user-agent me/1 --json --all --interval 3600 "
        "--allow-network 10.0.0.0/8 --allow-network fd00::1 --deny-network 192.0.2.0/24 "
        "--proxy http://p.test:1 --ca-file ca.pem --host-delay 1.5 --group-hosts-by domain"
    )

    given = parse(arguments.split())

    assert given.json
    assert given.config == Config(
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


def test_where_the_store_comes_from(monkeypatch):
    monkeypatch.setenv("TRIOSCRAPE_STORE", "sqlite:mine.db")

    assert parse(["x"]).store == "sqlite:mine.db"
    assert parse(["x", "--store", "sqlite:other.db"]).store == "sqlite:other.db"


@pytest.mark.parametrize("name", list(settings()))
def test_a_number_out_of_range_is_told_the_range(name):
    option = f"--{name.replace('_', '-')}"

    for bad in ("-1", "nan", "9e99", "many", ""):
        with pytest.raises(UsageError, match=f"^{option} must be .*from .* to .*, not {bad!r}$"):
            parse(["x", f"{option}={bad}"])


def test_sizes_in_messages_are_as_they_may_be_typed():
    with pytest.raises(UsageError, match="from 1 to 2GiB, not '3GiB'"):
        parse(["x", "--body-limit", "3GiB"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--allow-network", "10.0.0.1/8"],
            "--allow-network must be networks .*: 10.0.0.1/8 has host bits set",
        ),
        (
            ["--deny-network", "10.0.0.0/8", "--deny-network", "tea"],
            "--deny-network must be networks .*: 'tea' does not",
        ),
        (["--deny-network", ""], "--deny-network must be networks .*: ''"),
        (["--proxy", "socks5://p.test"], r"the proxy for http \(--proxy, .*\) must be an HTTP proxy"),
        (
            ["--group-hosts-by", "net"],
            "argument --group-hosts-by: invalid choice: 'net' .choose from 'host', 'domain', 'address'",
        ),
        (["--user-agent", "a\nb"], "--user-agent must be printable ASCII"),
    ],
)
def test_a_value_that_is_none(arguments, message):
    with pytest.raises(UsageError, match=f"^{message}"):
        parse(["x", *arguments])


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
def test_where_the_proxies_come_from(monkeypatch, environment, arguments, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    config = parse(arguments.split()).config

    assert (config.http_proxy, config.https_proxy, config.no_proxy) == expected


def test_a_bad_proxy_in_the_environment_is_refused_too(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://me:s3cret@p.test")

    with pytest.raises(UsageError, match=r"\$ALL_PROXY\) must be an HTTP proxy .*, not the one given$"):
        parse(["x"])
