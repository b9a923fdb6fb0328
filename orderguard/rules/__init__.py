"""Says which orders are odd, and why. One file per rule kind in `rules/kinds/`; being there registers it."""

from orderguard.rules.book import Rule, Rulebook, load_rulebook
from orderguard.rules.engine import Verdicts, run_rules
from orderguard.rules.proofs import run_proofs

__all__ = ["Rule", "Rulebook", "Verdicts", "load_rulebook", "run_proofs", "run_rules"]
