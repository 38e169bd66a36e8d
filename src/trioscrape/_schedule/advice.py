"""What people can do about a feed that has failed: a sentence for each reason."""

from __future__ import annotations

from typing import Final

ADVICE: Final = {
    "not-a-url": "Correct the URL in your list.",
    "name-not-found": "Check the host name for typing errors; if it is right, the site has gone or"
    " moved, so search for its new address or remove the feed.",
    "lookup-timeout": "If many feeds fail like this, check your name server; else the site's own is"
    " slow, and waiting may help.",
    "lookup-failed": "If many feeds fail like this, check your name server; else the site's own is"
    " broken, and only its owner can repair it.",
    "blocked-address": "The feed leads into a private network, which is not allowed; if that is"
    " intended, put the final URL into your list or allow the network with"
    " --allow-network.",
    "connection-refused": "The server is down or has moved to another port: open its site in a browser,"
    " and remove the feed if that stays so.",
    "unreachable": "If many feeds fail like this, check your network; otherwise the server is down, and"
    " waiting may help.",
    "connect-timeout": "The server is down, or a firewall drops your requests: open its site in a"
    " browser from this network.",
    "tls": "The detail says what is wrong with the certificate. If the feed works over http in a browser,"
    " change the URL in your list; otherwise tell the owner of the site.",
    "connection-lost": "The server or a proxy on the way breaks connections; if it stays so for days,"
    " tell the owner of the site.",
    "protocol-error": "What answers there is not a web server, or a broken one: check the port and the"
    " scheme in the URL.",
    "read-timeout": "The server is overloaded; if it is always this slow, raise --read-timeout.",
    "too-slow": "The server or the network is slow; if it is always this slow, lower --minimum-rate.",
    "fetch-timeout": "The server is slow or the document large; if it is always so, raise --fetch-timeout.",
    "too-large": "Raise --body-limit if you want a document as large as this.",
    "decompression-bomb": "Look whether the URL is really that of a feed; raise --body-limit only if"
    " you trust the server.",
    "bad-encoding": "The server compresses wrongly, which only its owner can repair.",
    "too-many-redirects": "Open the URL in a browser, and put the one where it ends into your list.",
    "redirect-loop": "Open the URL in a browser: it may lead to a login or a consent page, and the site"
    " may name another URL for its feed.",
    "bad-redirect": "Search the site for the new URL of the feed; the redirect there leads nowhere.",
    "http-NNN": "Open the URL in a browser; if it works there, the server may refuse programs, else"
    " only its owner can repair it.",
    "rate-limited": "Nothing: it is fetched as often as the server allows; a longer --interval would help.",
    "challenge": "The site lets only browsers in; ask its owner to allow feed readers, or search for"
    " another URL of the feed.",
    "not-a-feed": "The URL leads to something else, mostly a web page: search that page for the URL of"
    " its feed and put it into your list.",
    "malformed": "The document is damaged; tell the owner of the site if it stays so.",
    "parse-timeout": "The document takes too long to read; raise --parse-timeout if you want it all the"
    " same.",
    "parse-crash": "The document cannot be read; please report it with its URL as a bug of trioscrape.",
    "too-many-entries": "Raise --entries-limit if you want more of its entries.",
    "out-of-memory": "Give the process more memory, or lower --bytes-in-flight.",
    "not-stored": "The detail is the message of your database: look for rules or indexes of your own there.",
    "cancelled": "Nothing: the next run fetches it.",
    "worker-crash": "Fetch it in a run without --dask; if that run dies too, report a bug with the URL, and"
    " remove the feed.",
}
"""By reason, as `REASONS` has them."""

OF_STATUS: Final = {
    400: "The server does not understand the request; check the URL, above all what comes after '?'.",
    401: "The server wants a password: write it into the URL in your list (https://user:password@…).",
    402: "The server wants to be paid: ask the owner of the site, or remove the feed.",
    403: "The server refuses you; open the URL in a browser, and set --user-agent if it works there.",
    404: "The feed is not there any more: search its site for the new URL and put it into your list, or"
    " remove the feed.",
    405: "The URL is not that of a feed: search its site for the right one.",
    406: "The server sends no feed to programs like this; search its site for another URL.",
    410: "The server says that the feed is gone for good: remove it from your list.",
    429: "Nothing: it is fetched as often as the server allows; a longer --interval would help.",
    451: "The server may not send it to you for legal reasons: remove the feed.",
}
"""By HTTP status, where there is more to say than ``http-NNN`` does."""

_SERVER_ERROR: Final = "The server has an error; waiting usually helps. If not, tell the owner of the site."


def advice(reason: str) -> str:
    """What to do about a feed that has failed for one of `REASONS`."""
    kind, _, number = reason.partition("-")
    if kind == "http" and number.isdecimal():
        status = int(number)
        return OF_STATUS.get(status) or (_SERVER_ERROR if status >= 500 else ADVICE["http-NNN"])
    return ADVICE.get(reason, ADVICE["http-NNN"])
