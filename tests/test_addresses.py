"""The address policy is asked, never tried: no test here opens a connection."""

import pytest

from trioscrape import AddressPolicy
from trioscrape._addresses import is_public, permitted

PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.3",
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
        (AddressPolicy.LISTED, False, ("127.0.0.1", "1.1.1.1")),
        (AddressPolicy.LISTED, True, ("1.1.1.1",)),
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
    assert permitted(["127.0.0.1", "1.1.1.1"], policy, from_public=from_public) == expected
