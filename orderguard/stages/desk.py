"""What every stage of a scan has at hand: what it was told, what platforms call things, what the ledger remembers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from orderguard.ledger import CaseBook, History
from orderguard.platforms import names_of_words, platform_ids, platform_names, platform_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orderguard.ledger import Ledger
    from orderguard.platforms import Profile
    from orderguard.route import Team
    from orderguard.rules import Rulebook
    from orderguard.stages.options import Options


@dataclass(frozen=True)
class Desk:
    """A scan's surroundings, the same from its first stage to its last.

    Attributes:
        options: what the scan is told; the team as it is at this moment.
        profiles: of all platforms.
        ledger: open; `cases` and `history` are its books.
    """

    options: Options
    profiles: Sequence[Profile]
    ledger: Ledger

    @property
    def book(self) -> Rulebook:
        """The rulebook."""
        return self.options.book

    @property
    def team(self) -> Team:
        """Who is there now."""
        return self.options.team

    @property
    def now(self) -> datetime:
        """The clock."""
        return self.options.now

    @cached_property
    def cases(self) -> CaseBook:
        """What the ledger knows of cases."""
        return CaseBook(self.ledger)

    @cached_property
    def history(self) -> History:
        """Earlier orders; it also writes this run's."""
        return History(self.ledger)

    @cached_property
    def synonyms(self) -> dict[str, frozenset[str]]:
        """Every word for a platform (casefolded) -> all words for the same one."""
        return platform_words(self.profiles)

    @cached_property
    def ids(self) -> dict[str, str]:
        """Every word for a platform (casefolded) -> its id."""
        return platform_ids(self.profiles)

    @cached_property
    def names(self) -> dict[str, str]:
        """Platform id -> what people call it."""
        return platform_names(self.profiles, self.book.locale)

    @cached_property
    def called(self) -> dict[str, str]:
        """Every word for a platform (casefolded) -> what people call it."""
        return names_of_words(self.profiles, self.book.locale)
