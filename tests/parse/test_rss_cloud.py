"""The ``cloud`` of a feed, as one text."""

from __future__ import annotations

import pytest

from trioscrape._parse import FeedDocument
from trioscrape._parse.feedparser_reader import read_anything

from support.feeds import URL, parse, rss

PLACE = "domain='rpc.test' port='5337' path='/notify'"


@pytest.mark.parametrize(
    ("attributes", "cloud"),
    [
        (f"{PLACE} registerProcedure='' protocol='http-post'", "http-post http://rpc.test:5337/notify"),
        (f"{PLACE} registerProcedure=' a.b ' protocol='XML-RPC'", "xml-rpc http://rpc.test:5337/notify a.b"),
        (f"{PLACE} REGISTERPROCEDURE='a' Protocol='soap'", "soap http://rpc.test:5337/notify a"),
        ("domain='rpc.test' port='80' path='/?a=1' protocol='http-post'", "http-post http://rpc.test/?a=1"),
        ("domain='rpc.test' port='443' path='a' protocol='http-post'", "http-post https://rpc.test/a"),
        ("domain='rpc.test' protocol='http-post'", "http-post http://rpc.test/"),
        (PLACE, None),
        ("domain='' port='80' path='/' protocol='http-post'", None),
        ("domain='rpc.test' port='x' path='/' protocol='http-post'", None),
        ("domain='me:secret@rpc.test' port='80' path='/' protocol='http-post'", None),
        ("", None),
    ],
)
def test_a_cloud_is_where_it_is_and_how_to_talk_to_it(attributes: str, cloud: str | None) -> None:
    assert parse(rss(f"<title>T</title><cloud {attributes}/>", "<guid>1</guid>")).cloud == cloud


def test_feedparser_knows_it_as_well() -> None:
    cloud = f"<cloud {PLACE} registerProcedure='a' protocol='soap'/>"
    document = rss(f"<title>T</title>{cloud}", "<guid>1</guid>").encode()
    assert read_anything(document, FeedDocument(document, URL)).cloud == "soap http://rpc.test:5337/notify a"


def test_the_first_of_several_counts_that_is_one() -> None:
    assert parse(rss(f"<cloud/><cloud {PLACE} protocol='soap'/>")).cloud == "soap http://rpc.test:5337/notify"
