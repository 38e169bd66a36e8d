"""The address policy is asked, never tried: no test here opens a connection."""

from contextlib import aclosing

import pytest
from trio.testing import MockClock

from trioscrape import AddressPolicy, Config, UsageError
from trioscrape._dns.address_policy import AddressRules, is_public
from trioscrape.testing import Internet, Site

from support.fetching import Fetching

LISTED = AddressPolicy.LISTED
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.3",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0:7f00:1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("policy", "from_public", "expected"),
    [
        (LISTED, False, ("127.0.0.1", "1.1.1.1")),
        (LISTED, True, ("1.1.1.1",)),
        (AddressPolicy.PUBLIC, False, ("1.1.1.1",)),
        (AddressPolicy.PUBLIC, True, ("1.1.1.1",)),
        (AddressPolicy.ANY, False, ("127.0.0.1", "1.1.1.1")),
        (AddressPolicy.ANY, True, ("127.0.0.1", "1.1.1.1")),
    ],
)
def test_which_of_several_addresses(
    policy: AddressPolicy, from_public: bool, expected: tuple[str, ...]
) -> None:
    """A name with a private and a public address is reached at the ones that are allowed."""
    assert AddressRules(policy).permitted(["127.0.0.1", "1.1.1.1"], from_public=from_public) == expected


# 10.0.0.1 in every form that IPv6 has for it.
TEN = [
    "10.0.0.1",
    "::ffff:10.0.0.1",  # mapped
    "::ffff:a00:1",
    "::10.0.0.1",  # compatible
    "::ffff:0:a00:1",  # translated
    "64:ff9b::a00:1",  # NAT64
    "64:ff9b:1::a00:1",  # NAT64 for local use
    "2002:a00:1::",  # 6to4
    "2002:a00:1:1::abcd",
    "2001:0:a00:1::",  # Teredo, server
    "2001:0:101:101::f5ff:fffe",  # Teredo, client
]


@pytest.mark.parametrize("address", TEN)
@pytest.mark.parametrize("policy", list(AddressPolicy))
@pytest.mark.parametrize("from_public", [False, True])
def test_a_denied_network_is_closed_in_every_form(
    address: str, policy: AddressPolicy, from_public: bool
) -> None:
    """Whatever the policy, also when it is allowed as well."""
    rules = AddressRules(policy, allow=["10.0.0.0/8", "::/0"], deny=["10.0.0.0/24"])

    assert rules.permitted([address, "1.1.1.1"], from_public=from_public) == ("1.1.1.1",)


@pytest.mark.parametrize("address", [*TEN[:9], "2001:0:a00:1::f5ff:fffe"])
@pytest.mark.parametrize("policy", list(AddressPolicy))
@pytest.mark.parametrize("from_public", [False, True])
def test_an_allowed_network_is_open_in_every_form(
    address: str, policy: AddressPolicy, from_public: bool
) -> None:
    rules = AddressRules(policy, allow=["10.0.0.0/24"])

    assert rules.permitted([address], from_public=from_public) == (address,)


def test_what_is_allowed_in_one_half_only_is_not_allowed() -> None:
    """A Teredo address names a server and a client: both have to be in the network."""
    rules = AddressRules(AddressPolicy.PUBLIC, allow=["10.0.0.0/8"])

    assert rules.permitted(["2001:0:a00:1::", "10.1.2.3"], from_public=False) == ("10.1.2.3",)


@pytest.mark.parametrize("address", ["::", "::1"])
def test_no_ipv4_in_these(address: str) -> None:
    denied = AddressRules(AddressPolicy.ANY, deny=["0.0.0.0/0"]).permitted([address], from_public=False)
    allowed = AddressRules(AddressPolicy.PUBLIC, allow=["0.0.0.0/0"]).permitted([address], from_public=False)

    assert (denied, allowed) == ((address,), ())


@pytest.mark.parametrize(
    ("allow", "deny", "from_public", "expected"),
    [
        ((), ("1.1.1.1",), False, ("10.0.0.1", "fd00::1", "127.0.0.1")),
        ((), ("0.0.0.0/0",), False, ("fd00::1",)),
        ((), ("::/0",), False, ("10.0.0.1", "127.0.0.1", "1.1.1.1")),
        ((), ("::ffff:10.0.0.0/104",), False, ("fd00::1", "127.0.0.1", "1.1.1.1")),
        (("fd00::/8",), (), True, ("fd00::1", "1.1.1.1")),
        (("127.0.0.1",), ("127.0.0.0/8",), True, ("1.1.1.1",)),
        (("127.0.0.0/8",), ("1.0.0.0/8", "10.0.0.0/8"), True, ("127.0.0.1",)),
    ],
)
def test_lists(
    allow: tuple[str, ...], deny: tuple[str, ...], from_public: bool, expected: tuple[str, ...]
) -> None:
    """Of a private, a private IPv6, a loopback and a public address, under the default policy."""
    rules = AddressRules(LISTED, allow, deny)

    assert (
        rules.permitted(["10.0.0.1", "fd00::1", "127.0.0.1", "1.1.1.1"], from_public=from_public) == expected
    )


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "tea", "", "10.0.0.0/8 ", "1.2.3"])
@pytest.mark.parametrize("which", ["allow_networks", "deny_networks"])
def test_no_network(which: str, text: str) -> None:
    with pytest.raises(UsageError, match=f"^{which} takes networks like .*, not {text!r}"):
        Config(**{which: ("192.0.2.0/24", text)})  # type: ignore[arg-type]


# The lists at work: a scenario records what would have been connected to and opens no connection.


@pytest.mark.parametrize(
    ("config", "connects"),
    [
        (Config(), ["93.184.215.14"]),
        (Config(allow_networks=("10.1.0.0/16",)), ["93.184.215.14", "10.1.2.3"]),
        (Config(allow_networks=("10.1.0.0/16",), deny_networks=("10.1.2.3",)), ["93.184.215.14"]),
        (Config(address_policy=AddressPolicy.ANY, deny_networks=("10.0.0.0/8",)), ["93.184.215.14"]),
        (Config(address_policy=AddressPolicy.ANY, deny_networks=("93.184.215.14",)), []),
    ],
)
async def test_lists_on_every_hop(autojump_clock: MockClock, config: Config, connects: list[str]) -> None:
    """A public server of the list redirects to a private one."""
    inner = Site(body=b"<rss/>", addresses=["10.1.2.3"])
    listed = Site(status=302, headers={"Location": "http://inner.test/"}, addresses=["93.184.215.14"])
    internet = Internet({"listed.test": listed, "inner.test": inner})
    fetching = Fetching(config, resolver=internet, connector=internet.connect)
    async with aclosing(fetching.transport):
        if len(connects) == 2:
            await fetching.get("http://listed.test/")
        else:
            assert (await fetching.failure("http://listed.test/")).reason == "blocked-address"

    assert internet.connects == [(address, 80) for address in connects]
