"""The house's own rules: imports run downward only, foreign libraries stay where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trioscrape

SOURCE = Path(trioscrape.__file__).parent
ROOMS = (
    "__main__",
    "__init__",
    "_cli",
    "_demo",
    "testing",
    "_run",
    "_store",
    "_parse",
    "_http",
    "_dns",
    "_hosts",
    "_schedule",
    "_config",
    "_lane",
    "_flow",
    "_records",
    "_byte_budget",
    "_threads",
    "_groups",
    "_urls",
    "_errors",
)
LEVEL = {room: level for level, room in enumerate(ROOMS)}
ONLY_IN = {
    "feedparser": {"_parse"},
    "lxml": {"_parse"},
    "nh3": {"_parse"},
    "publicsuffixlist": {"_config"},
    "pymongo": {"_store"},
    "dns": {"_dns"},
    "bson": {"_store"},
    "httpx": {"_http"},
    "httpcore": {"_http"},
    "rich": {"_cli"},
    "trio_util": {"_cli", "_flow"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every source file with its room."""
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


def test_every_room_has_its_place() -> None:
    assert {name for name, _ in modules()} == set(ROOMS)
    assert len(ROOMS) <= 22


@pytest.mark.parametrize(("room", "path"), list(modules()))
def test_imports_run_downward(room: str, path: Path) -> None:
    for target in imports(path):
        name = target.removeprefix("trioscrape.")
        if target.startswith("trioscrape.") and name != room:
            assert LEVEL[room] < LEVEL[name], f"{path.name} imports {name} from above"


@pytest.mark.parametrize(("room", "path"), list(modules()))
def test_foreign_libraries_stay_where_they_belong(room: str, path: Path) -> None:
    for target in imports(path):
        assert room in ONLY_IN.get(target, {room}), f"{path.name} imports {target}"


def test_the_public_names() -> None:
    """Sorted as ruff sorts them; each says what it is."""
    undocumented = {"REASONS", "Connector"}  # values: their documentation follows them in the source
    for name in trioscrape.__all__:
        assert name in undocumented or getattr(trioscrape, name).__doc__


@pytest.mark.parametrize(("room", "path"), list(modules()))
def test_files_have_house_size(room: str, path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
