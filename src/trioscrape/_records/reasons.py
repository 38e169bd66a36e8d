"""Why a feed is not stored, or not whole: a closed set, the same words in results, reports and JSON."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    "not-a-url": "the line is no http or https URL",
    "name-not-found": "the name does not exist or has no address",
    "lookup-timeout": "the lookup did not answer within its deadline",
    "lookup-failed": "the lookup failed for another cause",
    "blocked-address": "the address policy does not allow the address",
    "refused": "the server refused the connection",
    "unreachable": "no route to the server, or none of its addresses could be reached",
    "connect-timeout": "connecting took longer than its deadline",
    "tls": "the TLS handshake failed; the detail has the certificate's problem in words",
    "connection-lost": "the server closed the connection in the middle of an answer",
    "protocol-error": "the answer is not valid HTTP",
    "read-timeout": "the server sent nothing for as long as the read deadline",
    "too-slow": "the body came more slowly than the least rate",
    "deadline": "the whole fetch took longer than its deadline",
    "too-large": "the body is larger than the body limit",
    "decompression-bomb": "the body is larger than the limit, and 100 times as large as what was sent",
    "bad-encoding": "the body's Content-Encoding is unknown or broken, or there are more than two",
    "too-many-redirects": "more redirects than the limit",
    "redirect-loop": "a redirect leads to a URL that was already visited",
    "bad-redirect": "a redirect leads nowhere, or to something that is no http or https URL",
    "http-NNN": "the server answered with this status, 404 or 503 for example",
    "rate-limited": "the server says that it was asked too often (429)",
    "challenge": "Cloudflare asks for a browser",
    "not-a-feed": "the document is no RSS, Atom, RDF or JSON feed",
    "malformed": "the document begins as a feed does, and nothing could be recovered of it",
    "parse-timeout": "parsing took longer than its deadline",
    "parse-crash": "the parser or its worker process broke on the document",
    "too-many-entries": "the document has more entries than the limit; the first ones are stored",
    "not-stored": "the store did not take it, or nothing at all, and was not waited for any longer",
    "cancelled": "the scrape was cancelled while the feed was under way",
}


def http_status_reason(status: int) -> str:
    """The reason for an HTTP status (RFC 9110 §15) that is no success: ``http-404``."""
    return "rate-limited" if status == 429 else f"http-{status}"


def is_reason(reason: str) -> bool:
    """Whether `reason` is in the closed set."""
    prefix, _, number = reason.partition("-")
    return reason in REASONS or (prefix == "http" and len(number) == 3 and number.isdigit())
