"""The errors and the reasons."""

import ast
import re
from pathlib import Path

import pytest

import trioscrape
from trioscrape import REASONS
from trioscrape import _errors as errors

SOURCE = Path(trioscrape.__file__).parent


def test_the_drawn_tree_is_complete() -> None:
    drawn = re.findall(r"^    (?:Exception$|.*── (\w+))", errors.__doc__ or "", re.MULTILINE)
    public = {
        name
        for name in trioscrape.__all__
        if isinstance(each := getattr(trioscrape, name), type) and issubclass(each, Exception)
    }

    assert set(filter(None, drawn)) == public


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=str)
def test_the_base_is_never_raised(path: Path) -> None:
    called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]

    assert "TrioscrapeError" not in {func.id for func in called if isinstance(func, ast.Name)}


@pytest.mark.parametrize("reason", ["http-404", "http-NNN", "not-a-feed", "http-999"])
def test_reasons(reason: str) -> None:
    assert reason in REASONS
    assert REASONS[reason]


@pytest.mark.parametrize(
    "reason", ["http-", "http-40", "http-4040", "http-099", "HTTP-404", "unknown", None, 404]
)
def test_no_reasons(reason: object) -> None:
    assert reason not in REASONS
    with pytest.raises(KeyError):
        REASONS[reason]  # type: ignore[index]


def test_a_status_is_listed_once() -> None:
    assert [reason for reason in REASONS if reason.startswith("http")] == ["http-NNN"]
    assert len(REASONS) == len(list(REASONS))
    assert dict(REASONS) == REASONS
