"""The page of a run's report in a real browser: headless Chromium, as Debian or anybody else has it.

``nox -s pages`` brings playwright, which drives it, and axe, which looks for what keeps people out. The
browser itself is found on the PATH, or at ``$TRIOSCRAPE_TEST_CHROMIUM``. If ``$TRIOSCRAPE_TEST_SCREENSHOTS``
names a folder, there are pictures of each page afterwards, to look at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.run_pages import many, shown

playwright = pytest.importorskip("playwright.sync_api", reason="nox -s pages has what this needs")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
"""It looks nothing up and fetches nothing of its own."""
MEBIBYTE = 2**20
OPENED = 2_000
"""Milliseconds within which a page is there, on the slowest machine that runs this."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = os.environ.get("TRIOSCRAPE_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH; Debian's package is chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        # As root, in a container, Chromium can't have its sandbox; the page is our own.
        browser = driver.chromium.launch(executable_path=found, args=QUIET, chromium_sandbox=os.getuid() != 0)
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=[500, 50_000])
def report(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """The file of a run of so many feeds, and its numbers."""
    made, text = many(request.param)
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    path.write_text(text, "utf-8")
    return path, shown(made.record)


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_a_file(
    chromium: Any, report: tuple[Path, dict[str, Any]], width: int, scheme: str
) -> None:
    path, expected = report
    assert path.stat().st_size <= MEBIBYTE
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, said, requested = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto(path.as_uri(), wait_until="load", timeout=10_000)
    opened = page.evaluate(OPENING)

    assert 0 < opened < OPENED
    assert page.evaluate(VALUES) == expected
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "it never scrolls sideways"
    assert [url for url in requested if not url.startswith("data:")] == [path.as_uri()]
    violations = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in violations if each["impact"] in SERIOUS] == []
    assert said == []
    if folder := os.environ.get("TRIOSCRAPE_TEST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{path.stem}-{width}-{scheme}.png", full_page=True)
    context.close()


VALUES = """() => Object.fromEntries(
    [...document.querySelectorAll("data")].map(each => [each.dataset.of, Number(each.value)])
)"""
OPENING = """() => Math.max(
    performance.getEntriesByType("navigation")[0].loadEventEnd,
    ...performance.getEntriesByType("paint").map(each => each.startTime)
)"""
SERIOUS = ("serious", "critical")
