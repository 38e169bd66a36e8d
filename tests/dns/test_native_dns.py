"""`NativeResolver` against a name server of our own, on real sockets."""

import gc
import resource
import socket
from contextlib import suppress
from pathlib import Path

import dns.rcode
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from trioscrape import NativeResolver, ResolvedAddresses
from trioscrape._dns import queries
from trioscrape._dns.queries import _configured
from trioscrape._dns.sockets import Sockets

from support.dns_server import ANY, DEAD, DnsServer, Zone, open_dns

PATIENCE = 60.0
"""Seconds for a lookup that shall not run into its deadline."""


async def asked(
    zones: dict[str, Zone], host: str, *, lookup_timeout: float = PATIENCE, **files: Path
) -> tuple[ResolvedAddresses | OSError, DnsServer]:
    """What becomes of one lookup, and the server that was asked."""
    async with open_dns(zones) as server:
        resolver = NativeResolver(timeout=lookup_timeout, servers=[server.address], **files)
        try:
            return await resolver.resolve(host), server
        except OSError as error:
            return error, server
    raise AssertionError


async def test_a_chain_of_names_holds_as_long_as_its_weakest_part() -> None:
    """And both families are there, whose ends may differ."""
    zones = {
        "www.test": Zone(cname="cdn.test", ttl=600),
        "cdn.test": Zone(cname="edge.test", ttl=20),
        "edge.test": Zone(a=("192.0.2.1",), aaaa=("2001:db8::1",), ttl=300),
    }
    answer, _ = await asked(zones, "www.test")

    assert answer == ResolvedAddresses(["2001:db8::1", "192.0.2.1"], 20)


async def test_what_is_cut_off_comes_over_tcp() -> None:
    many = tuple(f"192.0.2.{n}" for n in range(1, 201))
    answer, server = await asked({"big.test": Zone(a=many, truncated=True)}, "big.test")

    assert isinstance(answer, ResolvedAddresses)
    assert sorted(answer.addresses) == sorted(many)
    assert server.asked["big.test", "A", "tcp"] == 1


async def test_garbage_and_forged_answers_are_not_listened_to() -> None:
    """Someone else's datagrams come first: noise, and another address under another message id."""
    answer, _ = await asked({"a.test": Zone(a=("192.0.2.1",), garbage=True)}, "a.test")

    assert answer == ResolvedAddresses(["192.0.2.1"], 300)


async def test_every_question_comes_from_a_port_of_its_own() -> None:
    """What an attacker has to guess (RFC 5452 §9.2)."""
    async with open_dns({f"f{n}.test": Zone(a=("192.0.2.1",)) for n in range(20)}) as server:
        resolver = NativeResolver(timeout=PATIENCE, servers=[server.address])
        async with trio.open_nursery() as nursery:
            for name in server.zones:
                nursery.start_soon(resolver.resolve, name)

    assert len(server.ports) > 20


# Failures.


@pytest.mark.parametrize(
    ("zone", "number", "words"),
    [
        (Zone(rcode=dns.rcode.NXDOMAIN), socket.EAI_NONAME, "does not exist"),
        (Zone(rcode=dns.rcode.NXDOMAIN, silent=frozenset({"AAAA"})), socket.EAI_NONAME, "does not exist"),
        (Zone(), socket.EAI_NONAME, "no address"),
        (Zone(cname="elsewhere.test"), socket.EAI_NONAME, "no address"),
        (Zone(rcode=dns.rcode.SERVFAIL), socket.EAI_AGAIN, "SERVFAIL"),
        (Zone(rcode=dns.rcode.REFUSED), socket.EAI_AGAIN, "REFUSED"),
        (Zone(rcode=dns.rcode.YXDOMAIN), socket.EAI_AGAIN, "too long"),
        (Zone(a=("192.0.2.1",), truncated=True, broken_tcp=True), socket.EAI_AGAIN, "EOF"),
    ],
)
async def test_what_servers_answer(zone: Zone, number: int, words: str) -> None:
    with trio.fail_after(PATIENCE / 2):
        error, _ = await asked({"a.test": zone}, "a.test")

    assert isinstance(error, socket.gaierror)
    assert error.errno == number
    assert words in error.strerror


@pytest.mark.parametrize("silent", [ANY, frozenset({"A"}), frozenset({"AAAA"})])
async def test_silence_is_no_answer_however_little_the_other_family_knows(silent: frozenset[str]) -> None:
    error, _ = await asked({"a.test": Zone(silent=silent)}, "a.test", lookup_timeout=0.2)

    assert isinstance(error, TimeoutError)


async def test_a_server_that_is_silent_on_one_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is enough, and long before the deadline."""
    monkeypatch.setattr(queries, "OTHER_FAMILY", 0.05)
    zones = {"a.test": Zone(a=("192.0.2.1",), aaaa=("2001:db8::1",), silent=frozenset({"AAAA"}))}
    with trio.fail_after(PATIENCE / 2):
        answer, _ = await asked(zones, "a.test")

    assert answer == ResolvedAddresses(["192.0.2.1"], 300)


def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_nobody_listens() -> None:
    """The machine says so, and nobody waits for a deadline."""
    resolver = NativeResolver(timeout=PATIENCE, servers=[("127.0.0.1", closed_port())])
    with trio.fail_after(PATIENCE / 2), pytest.raises(socket.gaierror, match="refused"):
        await resolver.resolve("a.test")


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, None])
async def test_the_next_server_is_asked(rcode: dns.rcode.Rcode | None) -> None:
    async with (
        open_dns({"a.test": Zone(rcode=rcode or dns.rcode.NOERROR)}) as broken,
        open_dns({"a.test": Zone(a=("192.0.2.1",))}) as sound,
    ):
        first = ("127.0.0.1", closed_port()) if rcode is None else broken.address
        resolver = NativeResolver(timeout=PATIENCE, servers=[first, sound.address])

        assert await resolver.resolve("a.test") == ResolvedAddresses(["192.0.2.1"], 300)


@pytest.mark.parametrize(
    "host",
    ["printer.local", "abc.onion", "a.invalid", "127.1", "2130706433", "a" * 64, "a..test",
     ".".join(["a"] * 130)],
)  # fmt: skip
async def test_names_that_are_none_of_the_dns_are_not_asked_for(host: str) -> None:
    error, server = await asked({}, host)

    assert isinstance(error, socket.gaierror)
    assert error.errno == socket.EAI_NONAME
    assert not server.asked


# Files.

HOSTS = """\
# the house
127.0.0.1\tlocalhost
192.0.2.7  nas NAS.home.test # in the cellar
2001:db8::7 nas.home.test
192.0.2.7  nas.home.test
fe80::1%lo0 nas.home.test
300.1.1.1 broken.test
only-a-word

"""


async def test_the_hosts_file_comes_first(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS)
    zones = {"nas.home.test": Zone(a=("192.0.2.99",)), "broken.test": Zone(a=("192.0.2.8",))}

    answer, server = await asked(zones, "nas.home.test", hosts=hosts)
    assert isinstance(answer, ResolvedAddresses)
    assert set(answer.addresses) >= {"192.0.2.7", "2001:db8::7"}
    assert len(answer.addresses) == len(set(answer.addresses))
    assert not server.asked

    answer, _ = await asked(zones, "broken.test", hosts=hosts)
    assert answer == ResolvedAddresses(["192.0.2.8"], 300)


async def test_no_files_at_all(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    zones = {"a.test": Zone(a=("192.0.2.1",))}

    answer, _ = await asked(zones, "a.test", hosts=nothing, resolv_conf=nothing)

    assert answer == ResolvedAddresses(["192.0.2.1"], 300)


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nameserver 192.0.2.53\nnameserver 2001:db8::53\n", ["192.0.2.53", "2001:db8::53"]),
        ("", ["127.0.0.1"]),
        ("search example.test\n", ["127.0.0.1"]),
        ("nameserver dns.example.test\n", ["127.0.0.1"]),
        ("search " + "a" * 64 + "\nnameserver 192.0.2.53\n", ["127.0.0.1"]),
        ("\0\xff", ["127.0.0.1"]),
    ],
)
def test_name_servers_of_resolv_conf(tmp_path: Path, text: str, servers: list[str]) -> None:
    """As with the C library, it is this machine when the file names none."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_bytes(text.encode("latin-1"))

    assert list(_configured(resolv_conf).nameservers) == servers


@pytest.mark.parametrize(
    ("options", "host", "expected"),
    [
        ("", "www", ["www.corp.test", "www.home.test", "www"]),
        ("", "a.b", ["a.b", "a.b.corp.test", "a.b.home.test"]),
        ("options ndots:2", "a.b", ["a.b.corp.test", "a.b.home.test", "a.b"]),
    ],
)
async def test_the_search_list(tmp_path: Path, options: str, host: str, expected: list[str]) -> None:
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text(f"nameserver 192.0.2.53\nsearch corp.test home.test\n{options}\n")

    _, server = await asked({expected[1]: Zone(a=("192.0.2.1",))}, host, resolv_conf=resolv_conf)
    names = list(dict.fromkeys(name for name, _, _ in server.asked))
    assert names == expected[:2]
    error, server = await asked({}, host, resolv_conf=resolv_conf)
    assert set(expected) >= {name for name, _, _ in server.asked} >= {expected[0]}
    assert isinstance(error, socket.gaierror)
    assert error.errno == socket.EAI_NONAME


# Sockets.


async def test_lookups_leave_files_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two lookups of dead names have all the sockets there are for lookups; the next one waits for them."""
    monkeypatch.setattr(resource, "getrlimit", lambda which: (12, 12))
    async with open_dns({"a.test": Zone(a=("192.0.2.1",)), "b.test": DEAD, "c.test": DEAD}) as server:
        resolver = NativeResolver(timeout=0.1, servers=[server.address])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_quietly, resolver, "b.test")
            nursery.start_soon(_quietly, resolver, "c.test")
            await wait_all_tasks_blocked()

            assert await resolver.resolve("a.test") == ResolvedAddresses(["192.0.2.1"], 300)
            assert len(nursery.child_tasks) < 2


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_a_connection_that_is_cancelled_is_closed(kind: int) -> None:
    async with open_dns({}) as server:
        with trio.CancelScope() as scope:
            scope.cancel()
            await Sockets().make_socket(socket.AF_INET, kind, destination=server.address)
        gc.collect()  # a socket that is closed only now is an error

    assert scope.cancelled_caught


async def test_a_connection_that_is_refused_is_closed() -> None:
    with pytest.raises(ConnectionRefusedError) as caught:
        await Sockets().make_socket(
            socket.AF_INET, socket.SOCK_STREAM, destination=("127.0.0.1", closed_port())
        )
    del caught
    gc.collect()


async def test_cancelled_between_two_families_and_two_protocols() -> None:
    """Wherever a lookup is when it is cancelled, the server sees its connections closed."""
    zones = {"a.test": Zone(truncated=True, delay=0.01), "b.test": DEAD, "c.test": Zone(delay=0.02)}
    async with open_dns(zones) as server:
        resolver = NativeResolver(timeout=PATIENCE, servers=[server.address])
        for after in (0, 0.005, 0.015, 0.025, 0.05):
            with trio.move_on_after(after):
                async with trio.open_nursery() as nursery:
                    for name in zones:
                        nursery.start_soon(_quietly, resolver, name)
        with trio.fail_after(PATIENCE):
            while server.open:
                await wait_all_tasks_blocked()


async def _quietly(resolver: NativeResolver, name: str) -> None:
    with suppress(OSError):
        await resolver.resolve(name)
