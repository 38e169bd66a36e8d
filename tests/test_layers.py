"""The house's own rules: imports run downward only, foreign libraries stay where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trioscrape

SOURCE = Path(trioscrape.__file__).parent
LAYERS = (
    {
        "_errors",
        "_in_thread",
        "_feedstate",
        "_outage",
        "_measures",
        "_stored",
        "_types",
        "_config",
        "_name_servers",
        "_proxies",
        "_domains",
        "_reasons",
        "_urls",
        "_quantiles",
    },
    {"_feedlist", "_addresses", "_conditional", "_schedule", "_moves", "_way", "_decode", "_patience"},
    {
        "_lane",
        "_budget",
        "_holds",
        "_seen",
        "_clock",
        "_dns",
        "_system_dns",
        "_native_dns",
        "_dns_sockets",
        "_parse",
        "_store",
        "_connect",
        "_route",
        "_host_queue",
        "_host_slots",
    },
    {"_network"},
    {"_fetch"},
    {"_admission", "_backlog", "_states", "_store_lane", "_passage", "_tally", "_scrape", "_embedding"},
    {
        "_report",
        "_progress",
        "_demo",
        "_jsonl",
        "_csv_rows",
        "_input",
        "_output",
        "_signals",
        "_restore",
        "_moving",
        "_options",
        "_arguments",
        "_cli",
        "__main__",
    },
)
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
ONLY_IN = {
    "feedparser": {"_parse"},
    "lxml": {"_parse"},
    "nh3": {"_parse"},
    "publicsuffixlist": {"_domains"},
    "pymongo": {"_store"},
    "dns": {"_native_dns", "_dns_sockets"},
    "bson": {"_store"},
    "httpx": {"_network", "_fetch"},
    "httpcore": {"_network"},
    "rich": {"_progress", "_cli"},
    "trio_util": {"_progress", "_moving"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every source file with the module or package of the first level that it belongs to."""
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).parts[0].removesuffix(".py"), path


def imports(path: Path) -> Iterator[str]:
    """What a file imports: ``trioscrape._lane`` for its own package, the first name for others."""
    package = ("trioscrape", *path.relative_to(SOURCE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            target = (*base, *(node.module or "").split(".")) if node.module else base
            names = [target] if len(target) > 1 else [(*target, alias.name) for alias in node.names]
            yield from (".".join(name[:2]) for name in names)


def test_every_module_has_a_level() -> None:
    assert {name for name, _ in modules()} - {"__init__", "testing"} == set(LEVEL)


@pytest.mark.parametrize(("module", "path"), [pair for pair in modules() if pair[0] in LEVEL])
def test_imports_run_downward(module: str, path: Path) -> None:
    for target in imports(path):
        name = target.removeprefix("trioscrape.")
        if target.startswith("trioscrape.") and name != module:
            assert LEVEL[name] <= LEVEL[module], f"{path.name} imports {name} from above"


@pytest.mark.parametrize(("module", "path"), list(modules()))
def test_foreign_libraries_stay_where_they_belong(module: str, path: Path) -> None:
    for target in imports(path):
        assert module in ONLY_IN.get(target, {module}), f"{path.name} imports {target}"


def test_the_public_names() -> None:
    """Sorted as ruff sorts them; each says what it is."""
    undocumented = {"REASONS", "Connector"}  # values: their documentation follows them in the source
    for name in trioscrape.__all__:
        assert name in undocumented or getattr(trioscrape, name).__doc__


@pytest.mark.parametrize(("module", "path"), list(modules()))
def test_files_have_house_size(module: str, path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250
