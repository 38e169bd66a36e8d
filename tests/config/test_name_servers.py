"""How to write which resolver looks up host names."""

import pytest

from trioscrape import Config, UsageError
from trioscrape._cli.command import parse
from trioscrape._cli.config_options import config
from trioscrape._config.name_servers import name_servers


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("system", None),
        ("dns", ()),
        ("dns:192.0.2.53", (("192.0.2.53", 53),)),
        ("dns:192.0.2.53:5353", (("192.0.2.53", 5353),)),
        ("dns:2001:db8::53", (("2001:db8::53", 53),)),
        ("dns:[2001:db8::53]", (("2001:db8::53", 53),)),
        ("dns:[2001:DB8::53]:5353", (("2001:db8::53", 5353),)),
        ("dns:192.0.2.53, 192.0.2.54:54", (("192.0.2.53", 53), ("192.0.2.54", 54))),
    ],
)
def test_what_may_be_said(text: str, servers: object) -> None:
    assert name_servers(text) == servers
    assert Config(resolver=text).resolver == text
    assert config(parse(["feeds.txt", "--resolver", text])[1]).resolver == text


@pytest.mark.parametrize(
    "text",
    ["", "DNS", "dns:", "dns:name.test", "dns:192.0.2.53:0", "dns:192.0.2.53:65536", "dns:192.0.2.53:x",
     "dns:192.0.2.53,", "dns:192.0.2.53:٥", "system:192.0.2.53", "tls:192.0.2.53"],
)  # fmt: skip
def test_what_may_not(text: str) -> None:
    with pytest.raises(UsageError, match=r"^resolver must be system, dns, or dns:SERVER"):
        Config(resolver=text)
    with pytest.raises(UsageError, match=r"^--resolver must be system, dns, or dns:SERVER"):
        config(parse(["feeds.txt", "--resolver", text])[1])
