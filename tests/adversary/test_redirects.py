"""Where a feed may be, and where it may be redirected to. No connection is opened: a fake records them.

A new target is a line of `TARGETS`. Each is tried in two ways: a public server redirects there, and it is in
the list itself, with ``--address-policy public``.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import pytest
from trio.testing import MockClock

from trioscrape import AddressPolicy, Config, ResolvedAddresses, open_scrape
from trioscrape.testing import InlineParser, Internet, MemoryStore, Site

from support.servers import FEED

PUBLIC, OTHER = "93.184.215.14", "1.1.1.1"
BLOCKED, BAD, NO_URL, NO_NAME, NEW = "blocked-address", "bad-redirect", "not-a-url", "name-not-found", "new"


class Target(NamedTuple):
    url: str
    end: str = BLOCKED
    """The reason of the feed, or its outcome."""
    listed: str = ""
    """The same when it is in a list, if that is another one."""


NAMES: Mapping[str, tuple[str, ...]] = {
    "localhost.localdomain": ("127.0.0.1",),
    "ip6-localhost": ("::1",),
    "metadata.google.internal": ("169.254.169.254",),
    "metadata": ("169.254.169.254",),
    "instance-data.ec2.internal": ("169.254.169.254",),
    "kubernetes.default.svc": ("10.96.0.1",),
    "router.test": ("192.168.0.1",),
    "inner.test": ("10.1.2.3",),
    "inner-6.test": ("fd00::1",),
    "rebinding.test": ("10.1.2.3",),
    "mapped.test": ("::ffff:10.1.2.3",),
    "zone.test": ("fe80::1",),
    "both.test": ("10.1.2.3", OTHER),
    "other.test": (OTHER,),
    "xn--bcher-kva.test": (OTHER,),
}
"""Names on that internet; the numbers that the C library takes for addresses are addresses here too."""

TARGETS: dict[str, Target] = {
    # Metadata services, in all spellings of an address
    "metadata": Target("http://169.254.169.254/latest/meta-data/"),
    "metadata, decimal": Target("http://2852039166/"),
    "metadata, hexadecimal": Target("http://0xa9fea9fe/"),
    "metadata, octal": Target("http://0251.0376.0251.0376/", BAD),
    "metadata, octal with zeros": Target("http://0000251.0000376.0000251.0000376/", BAD),
    "metadata, mixed": Target("http://0xa9.254.0251.254/"),
    "metadata, two parts": Target("http://169.16689662/"),
    "metadata, three parts": Target("http://169.254.43518/"),
    "metadata, full width": Target("http://\uff11\uff16\uff19.\uff12\uff15\uff14.\uff11\uff16\uff19.254/"),
    "metadata, ideographic dots": Target("http://169\u3002254\uff0e169\uff61254/"),
    "metadata, circled digits": Target("http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/"),
    "metadata, percent": Target("http://%31%36%39.254.169.254/", BLOCKED, NO_NAME),
    "metadata, dot at the end": Target("http://169.254.169.254./"),
    "metadata, mapped": Target("http://[::ffff:169.254.169.254]/"),
    "metadata, mapped in hexadecimal": Target("http://[::ffff:a9fe:a9fe]/"),
    "metadata, written out": Target("http://[0:0:0:0:0:ffff:a9fe:a9fe]/"),
    "metadata, compatible": Target("http://[::169.254.169.254]/"),
    "metadata, translated": Target("http://[::ffff:0:a9fe:a9fe]/"),
    "metadata, NAT64": Target("http://[64:ff9b::a9fe:a9fe]/"),
    "metadata, local NAT64": Target("http://[64:ff9b:1::a9fe:a9fe]/"),
    "metadata, 6to4": Target("http://[2002:a9fe:a9fe::]/"),
    "metadata, Teredo": Target("http://[2001:0:101:101::5601:5601]/"),
    "metadata, IPv6": Target("http://[fd00:ec2::254]/latest/meta-data/"),
    "metadata, Azure": Target("http://168.63.129.16/"),
    "metadata, Alibaba": Target("http://100.100.100.200/"),
    "metadata, by name": Target("http://metadata.google.internal/computeMetadata/v1/"),
    "metadata, by short name": Target("http://metadata/"),
    "metadata, upper case": Target("http://METADATA.google.internal./"),
    "metadata, EC2": Target("http://instance-data.ec2.internal/"),
    "Kubernetes": Target("https://kubernetes.default.svc/api"),
    # This machine
    "localhost": Target("http://localhost/"),
    "localhost, dot": Target("http://localhost./"),
    "localhost, upper case": Target("http://LOCALHOST/x"),
    "localhost, long s": Target("http://localho\u017ft/"),
    "localhost, subdomain": Target("http://a.localhost/"),
    "localhost, domain": Target("http://localhost.localdomain/"),
    "localhost, IPv6 name": Target("http://ip6-localhost/"),
    "loopback": Target("http://127.0.0.1/"),
    "loopback, another": Target("http://127.255.255.254/"),
    "loopback, short": Target("http://127.1/"),
    "loopback, octal": Target("http://0177.0.0.1/", BAD),
    "loopback, hexadecimal": Target("http://0x7f000001/"),
    "loopback, decimal": Target("http://2130706433/"),
    "loopback, IPv6": Target("http://[::1]/"),
    "loopback, written out": Target("http://[0000:0000:0000:0000:0000:0000:0000:0001]/"),
    "loopback, mapped": Target("http://[::ffff:7f00:1]/"),
    "zero": Target("http://0.0.0.0/"),
    "zero, short": Target("http://0/"),
    "zero, IPv6": Target("http://[::]/"),
    "zone": Target("http://[fe80::1%25eth0]/", BAD),
    # Networks of one's own
    "private": Target("http://10.0.0.1/"),
    "private, 172": Target("http://172.31.0.1/"),
    "private, 192": Target("http://192.168.1.1/"),
    "private, shared": Target("http://100.64.0.1/"),
    "private, IPv6": Target("http://[fd12:3456::1]/"),
    "private, by name": Target("http://inner.test/"),
    "private, by IPv6 name": Target("http://inner-6.test/"),
    "private, by mapped name": Target("http://mapped.test/"),
    "link-local, by name": Target("http://zone.test/"),
    "multicast": Target("http://224.0.0.1/"),
    "broadcast": Target("http://255.255.255.255/"),
    "documentation": Target("http://[2001:db8::1]/"),
    "SSH": Target("http://127.0.0.1:22/"),
    "SMTP": Target("http://10.0.0.25:25/"),
    "Redis": Target("http://localhost:6379/"),
    "Docker": Target("http://127.0.0.1:2375/containers/json"),
    "Elasticsearch, TLS": Target("https://192.168.1.1:9200/"),
    "public and private": Target("http://both.test/", NEW),  # at the public one
    # Who is meant
    "user and private host": Target("http://other.test@127.0.0.1/"),
    "user and password": Target("http://other.test:80@10.0.0.1:80/"),
    "two @": Target("http://a@other.test@127.0.0.1/"),
    "backslash before @": Target("http://other.test\\@127.0.0.1/", NEW, BLOCKED),
    "fragment before @": Target("http://other.test#@127.0.0.1/", NEW),
    "query before @": Target("http://other.test?@127.0.0.1/", NEW),
    "without scheme": Target("//127.0.0.1/"),
    "backslashes": Target("\\\\127.0.0.1\\x", listed=NO_URL),
    "one slash": Target("http:/127.0.0.1/", listed=NO_URL),
    "no slash": Target("https:127.0.0.1/", listed=NO_URL),
    "tabs and line ends inside": Target("ht\ttp://127.\n0.0.1/", listed=NO_URL),
    "a header in it": Target("http://other.test/\r\nHost: 127.0.0.1\r\n\r\n", NEW, listed=NO_URL),
    "a header in it, encoded": Target("http://other.test/%0d%0aHost:%20127.0.0.1", NEW),
    "IDN": Target("http://b\u00fccher.test/", NEW),
    "IDN, soft hyphen": Target("http://local\u00adhost/"),
    "IDN, a slash that is none": Target("http://other.test\u2044.127.0.0.1/", NO_NAME),
    "IDN, a reference to another host": Target("http://127.0.0.1\u2488evil.test/", BAD),
    "NUL": Target("http://127.0.0.1\0.other.test/", BAD),
    "NUL, encoded": Target("http://127.0.0.1%00.other.test/", BAD, NO_NAME),
    "space": Target("http://127.0.0.1 .other.test/", BAD),
    "brackets": Target("http://[127.0.0.1]/", BAD),
    "IPv6 without end": Target("http://[::1/", BAD),
    "no host": Target("http://", BAD),
    "port 0": Target("http://other.test:0/", BAD),
    "port 65536": Target("http://other.test:65536/", BAD),
    "port, negative": Target("http://other.test:-80/", BAD),
    "a label too long": Target(f"http://{'a' * 64}.test/", BAD, NO_NAME),
    "a name too long": Target(f"http://{'a.' * 200}test/", NO_NAME),
    "a million characters": Target(f"http://127.0.0.1/{'x' * 60_000}"),
    # Other schemes
    **{
        url.partition(":")[0]: Target(url, BAD)
        for url in (
            *(
                "file:///etc/passwd",
                "ftp://10.0.0.1/",
                "gopher://127.0.0.1:6379/_x",
                "dict://127.0.0.1:11211/",
            ),
            *(
                "ldap://10.0.0.1/",
                "javascript:x",
                "data:text/xml,<rss/>",
                "unix:/var/run/docker.sock",
                "ws://a/",
            ),
        )
    },
}


class Numbers(Internet):
    """Takes numbers for addresses exactly as the C library does, and looks nothing up for that."""

    async def resolve(self, host: str) -> ResolvedAddresses:
        try:
            found = socket.getaddrinfo(host.encode(), None, flags=socket.AI_NUMERICHOST)
        except OSError:
            return await super().resolve(host)
        return ResolvedAddresses([str(found[0][4][0])])


def world() -> Numbers:
    """A public server for each row, which redirects to it; all other names and addresses have a feed."""
    sites = {name: Site(body=FEED, addresses=addresses) for name, addresses in NAMES.items()}
    for number, target in enumerate(TARGETS.values()):
        location = target.url.encode().decode("latin-1")  # so that it goes over the wire in UTF-8
        sites[f"r{number}.test"] = Site(status=302, headers={"Location": location}, addresses=[PUBLIC])
    return Numbers(sites)


async def ends(urls: list[str], internet: Internet, config: Config) -> dict[str, str]:
    """By URL, the reason or the outcome of each in a scrape."""
    found = {}
    async with open_scrape(
        urls,
        store=MemoryStore(),
        config=config,
        resolver=internet,
        connector=internet.connect,
        parser=InlineParser(),
    ) as scrape:
        async for result in scrape:
            assert (result.detail or "").isprintable()
            found[result.feed.url] = result.reason or result.outcome
    return found


def assert_all_were_public(internet: Internet) -> None:
    assert {address for address, _ in internet.connects} == {PUBLIC, OTHER}
    assert {port for _, port in internet.connects} == {80}
    assert [
        head for _, _, head in internet.requests if {"authorization", "cookie", "referer"} & head.keys()
    ] == []


async def test_redirected(autojump_clock: MockClock) -> None:
    # No server that speaks HTTP can send these characters in a header.
    rows = {name: row for name, row in TARGETS.items() if not {"\0", "\r", "\n"} & {*row.url}}
    urls = {name: f"http://r{number}.test/" for number, name in enumerate(TARGETS) if name in rows}
    internet = world()

    found = await ends([*urls.values()], internet, Config())

    assert {name: found[urls[name]] for name in rows} == {name: row.end for name, row in rows.items()}
    assert_all_were_public(internet)


async def test_listed(autojump_clock: MockClock) -> None:
    """With the policy for lists of strangers, and without a redirect."""
    internet = world()

    found = await ends(
        [row.url for row in TARGETS.values()], internet, Config(address_policy=AddressPolicy.PUBLIC)
    )

    # A list may lack schemes: which URL is then meant is not for this test to say, only where it may lead.
    rows = {name: row for name, row in TARGETS.items() if not row.url.startswith("//")}
    expected = {name: row.listed or row.end for name, row in rows.items()}
    expected = {name: NO_URL if end == BAD else end for name, end in expected.items()}
    assert {name: found.get(row.url) for name, row in rows.items()} == expected
    assert {address for address, _ in internet.connects} <= {OTHER}


class Chain(NamedTuple):
    hops: tuple[str, ...]
    """Hosts in turn, each of which redirects to the next; the last one of all has a feed."""
    end: str
    requests: int


# A server that sets a cookie may redirect to the same URL once more.
CHAINS: dict[str, Chain] = {
    "to itself": Chain(("a", "a"), "redirect-loop", 2),
    "to and fro": Chain(("a", "b", "a"), "redirect-loop", 4),
    "a ring of nine": Chain((*"abcdefghi", "a"), "too-many-redirects", 11),
    "ten": Chain(tuple(f"h{number}" for number in range(11)), NEW, 11),
    "a hundred": Chain(tuple(f"h{number}" for number in range(100)), "too-many-redirects", 11),
    "private at last": Chain((*"abcdefghi", "inner"), BLOCKED, 9),
    "metadata at last": Chain((*"ab", "metadata"), BLOCKED, 2),
    "private and back": Chain(("a", "inner", "b"), BLOCKED, 1),
}


@pytest.mark.parametrize("name", CHAINS)
async def test_chain(name: str, autojump_clock: MockClock) -> None:
    """What the first server was told by the list, or tells us to say, is not said to another."""
    chain = CHAINS[name]
    sites = {f"{host}.test": Site(body=FEED, addresses=[PUBLIC]) for host in chain.hops}
    for host, after in pairwise(chain.hops):
        headers = {"Location": f"http://{after}.test/", "Set-Cookie": "a=b; Domain=test; Path=/"}
        sites[f"{host}.test"] = replace(sites[f"{host}.test"], status=302, headers=headers)
    sites["inner.test"] = Site(body=FEED, addresses=["10.1.2.3"])
    sites["metadata.test"] = Site(body=FEED, addresses=["169.254.169.254"])
    internet = Numbers(sites)

    found = await ends([f"http://me:secret@{chain.hops[0]}.test/"], internet, Config())

    assert [*found.values()] == [chain.end]
    assert internet.connects == [(PUBLIC, 80)] * len(internet.connects)
    assert len(internet.requests) == chain.requests
    seen: set[str] = set()
    for host, _, headers in internet.requests:
        assert ("authorization" in headers) == (host == f"{chain.hops[0]}.test")
        assert host in seen or "cookie" not in headers
        seen.add(host)
