"""argparse, with help pages of our own and errors that are one plain sentence."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from .._errors import UsageError
from .._urls import without_secrets
from .help import Page, Section, render
from .unbuffered import Unbuffered

_PLAIN: Final = (
    (re.compile(r"argument (\S+): expected one argument"), r"\1 needs a value"),
    (re.compile(r"argument (\S+): ignored explicit argument .*"), r"\1 takes no value"),
    (re.compile(r"the following arguments are required: ([^,]*)"), r"\1 is missing"),
    (re.compile(r"the following arguments are required: (.*), (.*)"), r"\1 and \2 are missing"),
)
"""What argparse says, and how we say it."""


class Parser(argparse.ArgumentParser):
    """The options of a command, in the sections of its help page.

    Options are added by `OptionSection.add`. Everything that is wrong with the arguments is a
    `UsageError`, and abbreviations are not understood.

    Args:
      page: the rest of the help page.
      options: see `argparse.ArgumentParser`.
    """

    def __init__(self, *, page: Page, **options: Any) -> None:
        super().__init__(**options, add_help=False, allow_abbrev=False)
        self.page = page
        self.sections: list[Section] = []
        self.option_names: list[str] = []

    def section(self, title: str, *, rare: bool = False) -> OptionSection:
        """A new section, the last one of the page so far."""
        section = Section(title, rare=rare)
        self.sections.append(section)
        return OptionSection(self, section)

    def error(self, message: str) -> NoReturn:
        """Raise argparse's message, in plain words, as a `UsageError`."""
        for pattern, plain in _PLAIN:
            if match := pattern.fullmatch(message):
                message = match.expand(plain)
        raise UsageError(f"{without_secrets(message)}; see {self.prog} --help")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Raise `UsageError` for arguments that are unknown."""
        name = unknown[0].partition("=")[0]
        if not name.startswith("-"):
            self.error(f"unexpected argument {name!r}")
        near = [known for known in self.option_names if known.startswith(name)]
        near = near or get_close_matches(name, self.option_names, n=1, cutoff=0.8)
        self.error(f"unknown option {name}{did_you_mean(near)}")


def did_you_mean(near: Sequence[str]) -> str:
    """The end of a message about a word that is unknown: the first of those that are `near`, if any."""
    return f" (did you mean {near[0]}?)" if near else ""


class OptionSection:
    """Where the options of a section are added."""

    def __init__(self, parser: Parser, section: Section) -> None:
        self._parser, self._section = parser, section

    def add(self, *names: str, metavar: str | None = None, text: str, **more: Any) -> None:
        """Add an option.

        Args:
          names: ``--store``, or ``-q`` and ``--quiet``.
          metavar: what stands for its value; None: it takes none.
          text: what the help page says.
          more: see `argparse.ArgumentParser.add_argument`.
        """
        if metavar is not None:
            more["metavar"] = metavar
        elif "action" not in more:
            more["action"] = "store_true"
        self._parser.add_argument(*names, **more)
        self._parser.option_names += names
        shown = names if names[0].startswith("-") else ()
        self.tell(" ".join(filter(None, (", ".join(shown), metavar))), text)

    def add_help(self, *names: str, text: str, everything: bool = False) -> None:
        """Add an option that shows the help page, with rare options if it is `everything`."""
        self.add(*names, text=text, action=_ShowHelp, everything=everything)

    def tell(self, names: str, text: str) -> None:
        """Add a line to the page, and no option."""
        self._section.rows.append((names, text))


class _ShowHelp(argparse.Action):
    def __init__(self, *, everything: bool, **options: Any) -> None:
        super().__init__(nargs=0, **options)
        self._everything = everything

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print the page and exit."""
        assert isinstance(parser, Parser)  # noqa: S101
        sections = [section for section in parser.sections if self._everything or not section.rare]
        Unbuffered(sys.stdout).write(render(parser.page, sections))
        parser.exit()
