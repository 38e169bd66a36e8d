"""The attempts at one fetch: what to try next after a failure, and what is said of it in the end. Pure.

Two kinds of servers need a second one: those that break on conditional requests, and those without https
where the list has a URL without scheme. Both attempts share the timeout of the fetch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._errors import FeedFailed
from .._http import Fetched
from .._http.conditional import is_conditional, may_break_on_validators
from .._http.hops import NO_HTTPS, NoHttps
from .._records import FeedState
from .next_state import without_validators


@dataclass(frozen=True, slots=True)
class Attempt:
    """One way to fetch a feed."""

    sent: FeedState | None
    """The state with the validators to send."""
    broken: FeedFailed | None = None
    """How the attempt before has failed, which had validators."""
    no_https: NoHttps | None = None
    """How the attempt before has failed, which went over https."""

    @property
    def over_http(self) -> bool:
        """Whether to begin with http, not where the URL says."""
        return self.no_https is not None

    def after(self, failed: FeedFailed) -> Attempt | None:
        """What to try after this one has `failed`; None: nothing."""
        # Where https has answered before, it exists.
        if isinstance(failed, NoHttps) and self.broken is None:
            return replace(self, no_https=failed)
        if is_conditional(self.sent) and may_break_on_validators(failed):
            return replace(self, sent=without_validators(self.sent), broken=failed)
        return None

    def noted(self, fetched: Fetched) -> Fetched:
        """`fetched` by this attempt, with how those before it have failed."""
        if self.broken is None and self.no_https is None:
            return fetched
        remarks = [fetched.remark]
        if self.broken is not None:
            words = f"fetched without validators: a conditional request ended with {self.broken.reason}"
            remarks.insert(0, words)
            fetched = replace(fetched, failed_with_validators=True)
        if self.no_https is not None:
            remarks.insert(0, f"fetched over http: https ended with {self.no_https.reason}")
            # Whoever can block https can redirect http as well; that must not be kept beyond this run.
            fetched = replace(fetched, moved_to=None)
        return replace(fetched, remark="; ".join(filter(None, remarks)) or None)

    def failure(self, failed: FeedFailed) -> FeedFailed:
        """How the feed has failed when this was the last attempt: over https, if http is not there either."""
        https = self.no_https
        if https is None:
            return failed
        if failed.reason in NO_HTTPS:
            return FeedFailed(https.reason, f"{https.detail}; over http: {failed.reason}")
        detail = "; ".join(filter(None, (failed.detail, f"over http, as https ended with {https.reason}")))
        return FeedFailed(
            failed.reason,
            detail,
            not_before=failed.not_before,
            postponed_by=failed.postponed_by,
            feeds=failed.feeds,
        )
