"""What a scrape is made of, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import trio

from .._archive.archive import Archive
from .._config.config import Config, HostGrouping
from .._config.polling import Polling
from .._config.public_suffixes import registrable_domains
from .._dns.caching import Names, Resolver
from .._exception_groups import ungrouped
from .._flow import Flow
from .._hosts.queue import HostQueue
from .._hosts.retry_after import Pauses
from .._hosts.silence import Silence
from .._hosts.slots import HostSlots
from .._http import Fetcher, Routes
from .._http._transport import LaneTransport, SharedContext, client_context
from .._http.byte_budget import ByteBudget
from .._http.happy_eyeballs import Connector
from .._lane import Histogram
from .._parse import RecordParser
from .._schedule.planner import Planner
from .._store import Store
from .._store.lane import StoreLane
from .._store.lease import OwnLease
from .._threads import off_loop
from .admit import Admission
from .candidates import Candidate
from .due_source import DueSource
from .feed_source import Feeds, FeedSource, Source
from .keeping import KeepingFetcher
from .loop_lag import SLOW_PERIOD, LoopLag
from .network import Network
from .next_state import next_run
from .open_files import shared_out
from .pipeline import Lanes, Pipeline
from .plans import ForAWatch, ForTheNextRun, Plan
from .poll_log import PollLog
from .run import Run
from .same_feeds import SameFeeds
from .seen import Seen
from .tally import Results


@dataclass(frozen=True, slots=True)
class Seams:
    """The replaceable parts of a scrape: ours, or the caller's own."""

    store: Store
    resolver: Resolver
    connector: Connector
    parser: RecordParser
    now: Callable[[], datetime]
    """The wall clock, in UTC."""
    archive: Archive | None = None
    """Where what servers send is kept."""
    tls: SharedContext | None = None
    """That of several scrapes; None: the scrape makes its own."""


@asynccontextmanager
async def open_run(
    feeds: Feeds, config: Config, seams: Seams, lease: OwnLease | None, polling: Polling | None = None
) -> AsyncIterator[Run]:
    """A scrape at work; what is still in flight is cancelled when the block ends.

    With `polling` it is a watch, which polls the feeds again and again. Without a `lease` somebody else keeps
    that of the store.

    Whoever opens it must raise `Run.failure` afterwards when there is one.
    """
    tls = seams.tls or SharedContext(partial(client_context, config.ca_file))
    if config.ca_file is not None:
        await tls.ready()  # it raises before anything is fetched
    by_domain = config.group_hosts_by is HostGrouping.DOMAIN
    group = await off_loop(registrable_domains, limiter=trio.CapacityLimiter(1)) if by_domain else str
    flow, results, now = Flow(), Results(), seams.now
    files = shared_out(config, seams.resolver)
    lanes = Lanes(files, seams.parser, seams.store, flow)
    store = StoreLane(seams.store, lanes.store, config.outage_timeout)
    transport = LaneTransport(tls, seams.connector, config, parked=files.parked)
    queue = HostQueue[Candidate](config.per_host, delay=config.host_delay, group=group)
    routes = Routes(Names(seams.resolver, lanes.dns), config)
    pauses, silence = Pauses(queue, now, config.host_patience, flow), Silence(queue)
    fetcher = Fetcher(routes, lanes.http, transport, config, pauses)
    if (archive := seams.archive) is not None:
        fetcher = KeepingFetcher(routes, lanes.http, transport, config, pauses, archive)
    polls, budget, arrivals = PollLog(store), ByteBudget(config.bytes_in_flight), Seen[str]()
    same = SameFeeds(store, arrivals, merge=config.merge_duplicates)
    slots = HostSlots(queue, flow)
    planner = None if polling is None else Planner(polling)
    delays = Histogram() if planner is None else planner.delays
    source: Source = FeedSource(feeds)
    plan: Plan = ForTheNextRun(next_run(now(), config.interval), delays)
    if polling is not None and planner is not None:
        source, plan = DueSource(feeds, store, planner, pauses, now, polling.budget), ForAWatch(planner)
    network = Network(flow, config.in_flight)
    admission = Admission(source, queue, slots, fetcher, store, silence, pauses, flow, results, now, config)
    lag = LoopLag(period=0.0 if planner is None else SLOW_PERIOD)
    parser = seams.parser
    pipeline = Pipeline(
        lanes, fetcher, silence, network, lag, parser, store, polls, budget, same, now, plan, config, archive
    )
    run = Run(admission, pipeline, results, pauses, lag, delays, files.remark(config))
    with results.channel, ungrouped():
        async with aclosing(source), aclosing(arrivals), aclosing(transport), trio.open_nursery() as nursery:
            nursery.start_soon(run.lag.watch)
            if lease is not None:
                nursery.start_soon(run.keep, lease)
            nursery.start_soon(run.keep_polls)
            if archive is not None:
                nursery.start_soon(run.keep_archive, archive)
            nursery.start_soon(run.feeds)
            if planner is not None:
                nursery.start_soon(run.turn_rounds, planner)
            yield run
            nursery.cancel_scope.cancel(reason="the block has ended")
