"""The house's own rules: imports run downward only, foreign libraries stay where they belong, sizes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trioscrape

SOURCE = Path(trioscrape.__file__).parent
TESTS = Path(__file__).parents[1]


def words(text: str) -> list[str]:
    return text.split()


# From top to bottom: the command, the scrape, the lanes against the direction in which a feed passes them,
# and what all of them share. A room imports only from those below it.
ORDER = words(
    "__main__ __init__ _cli _demo testing distributed _run _store _parse _http _dns _hosts _schedule "
    "_lane _flow _archive _config _records _threads _exception_groups _urls _errors _printable"
)

# Inside of each room, from top to bottom: a module imports only from those behind it.
ROOMS = {
    "_cli": words(
        "command import_ export copy forget replay discover discovery status explain run demo watch "
        "show_status show_explain watch_session transfer session dask shard subcommand shared_options "
        "config_options explain_page status_page "
        "nearest feed_filter waiting open_progress live_progress live_view progress reporter _report series "
        "bottleneck pages chosen restore parser "
        "signals driver_log report input list_file feed_list text_list opml formats typed_urls durations "
        "parquet jsonl csv help logs metrics service output unbuffered process"
    ),
    "_cli/_report": words("page facts changes kept charts file"),
    "_demo": words("server sites documents words"),
    "testing": words(
        "_memory_store _inline_parser _virtual_time _world _world_plan _world_host _world_feed _history "
        "_world_clock _internet _site"
    ),
    "distributed": words("api lanes client window progress worker loop partition held_store cluster"),
    "_run": words(
        "script watch replay replayed stored_polls shard api totals wiring run admit keeping pipeline "
        "same_feeds due_source feed_source attempts older_pages next_state plans polls poll_log network "
        "loop_lag open_files agenda seen shares tally scopes candidates"
    ),
    "_store": words(
        "open _sqlite _mongo batches lane lease pages renames moved_urls threads records history plan "
        "protocol"
    ),
    "_store/_mongo": words(
        "store schema save history lookup read forget lease client errors documents url pools"
    ),
    "_store/_sqlite": words("store reader save history read forget lease migrations schema file errors"),
    "_parse": words(
        "_pool document custom restored json_feed feedparser_reader _fast records diagnosis repair "
        "dates rss_text protocol lengths safe_html html references nesting prefixes json_text identity "
        "date_words charset timers rss_cloud raw"
    ),
    "_parse/_fast": words("feeds entries podcast categories people media texts links tree names"),
    "_parse/_pool": words("workers worker process answers frames sandbox"),
    "_http": words(
        "fetcher hops answer _transport conditional cookies locations redirect_chain time_limits "
        "happy_eyeballs _decode routes byte_budget"
    ),
    "_http/_decode": words("body declared codings inflate decoder"),
    "_http/_transport": words(
        "replayed transport proxied connection stream head chunks errors private_parts request tls"
    ),
    "_dns": words("system native queries caching sockets address_policy adaptive_timeout"),
    "_hosts": words("silence slots retry_after queue record"),
    "_schedule": words(
        "same_feed permanent_redirects belief overview standing posting advice planner calendar rhythm "
        "freshness rules"
    ),
    "_archive": words("archive writer reader poll_record warc_file records payloads exchange gzip_header"),
    "_config": words("polling config public_suffixes name_servers proxies version"),
    "_records": words("results statistics columns entries feed_state history lease texts table kinds"),
}

# The modules that may import a library which is not the standard one; all may import trio.
ONLY_IN = {
    "argcomplete": {"_cli/command"},
    "bson": {
        "_store/_mongo/documents",
        "_store/_mongo/errors",
        "_store/_mongo/read",
        "_store/_mongo/save",
        "_store/_mongo/store",
    },
    "distributed": {
        "_cli/dask",
        "distributed/api",
        "distributed/client",
        "distributed/cluster",
        "distributed/lanes",
        "distributed/worker",
    },
    "dns": {"_dns/queries", "_dns/sockets"},
    "feedparser": {"_parse/feedparser_reader"},
    "h11": {"_demo/server"},
    "httpcore": {
        "_http/_transport/connection",
        "_http/_transport/errors",
        "_http/_transport/private_parts",
        "_http/_transport/proxied",
        "_http/_transport/replayed",
        "_http/_transport/stream",
        "_http/_transport/transport",
    },
    "httpx": {
        "_http/_transport/request",
        "_http/_transport/transport",
        "_http/fetcher",
        "_http/hops",
        "_http/locations",
    },
    "idna": {"_urls"},
    "jinja2": {"_cli/_report/page"},
    "lxml": {"_parse/_fast/texts", "_parse/_fast/tree", "_parse/diagnosis"},
    "nh3": {"_parse/html"},
    "prometheus_client": {"_cli/metrics"},
    "publicsuffixlist": {"_config/public_suffixes"},
    "pyarrow": {"_cli/parquet"},
    "pymongo": {
        "_store/_mongo/client",
        "_store/_mongo/documents",
        "_store/_mongo/errors",
        "_store/_mongo/forget",
        "_store/_mongo/history",
        "_store/_mongo/lease",
        "_store/_mongo/lookup",
        "_store/_mongo/pools",
        "_store/_mongo/read",
        "_store/_mongo/save",
        "_store/_mongo/schema",
        "_store/_mongo/store",
        "_store/_mongo/url",
    },
    "rich": {"_cli/live_progress", "_cli/live_view"},
    "trio_util": {"_cli/progress", "_cli/transfer", "_flow"},
    "webencodings": {"_parse/charset"},
}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """``_http/_decode/body``."""
    return path.relative_to(SOURCE).with_suffix("").as_posix()


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports: the parts of each name, those of its own package without its name in front."""
    package = path.relative_to(SOURCE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            target = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            yield from ((*filter(None, target), alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trioscrape."):
            yield from ((*(node.module or "").split(".")[1:], alias.name) for alias in node.names)


def foreign(path: Path) -> Iterator[str]:
    """The libraries that a file imports by their absolute names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def test_every_room_and_module_has_its_place() -> None:
    assert sorted(ORDER) == sorted({name_of(path).partition("/")[0] for path in modules()})
    assert len(ORDER) <= 23
    for room, inside in ROOMS.items():
        folder = SOURCE / room
        found = {path.stem for path in folder.glob("*.py")} | {
            path.parent.name for path in folder.glob("*/__init__.py")
        }
        assert sorted(found - {"__init__"}) == sorted(inside), room


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_downward(path: Path) -> None:
    own = path.relative_to(SOURCE).with_suffix("").parts
    for target in imported(path):
        depth = next(
            (n for n, (one, other) in enumerate(zip(own, target, strict=False)) if one != other), None
        )
        if depth is None or (depth and own[depth] == "__init__"):  # a package gathers what is inside of it
            continue
        order = ORDER if depth == 0 else ROOMS["/".join(own[:depth])]
        if target[depth] in order:
            assert order.index(own[depth]) < order.index(target[depth]), f"{name_of(path)}: {target}"
        else:
            assert depth, f"{name_of(path)} imports {target}, which its package only passes on"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_foreign_libraries_stay_where_they_belong(path: Path) -> None:
    for library in foreign(path):
        assert name_of(path) in ONLY_IN.get(library, {name_of(path)}), library


def test_the_public_names() -> None:
    """Sorted as ruff sorts them; each says what it is."""
    undocumented = {"REASONS", "Connector"}  # values: their documentation follows them in the source
    for name in trioscrape.__all__:
        assert name in undocumented or getattr(trioscrape, name).__doc__


@pytest.mark.parametrize("path", [*modules(), *sorted(TESTS.rglob("*.py"))], ids=str)
def test_files_and_functions_have_house_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            docstring = ast.get_docstring(node) is not None
            lines = (node.end_lineno or 0) - (first.end_lineno if docstring else node.lineno)
            assert lines <= 60, f"{node.name} has {lines} lines"
