"""Facts an export lacks: where a phone is at home, where a place is, what an address says.

Pure functions, frame in and frame out; they read only the tables of this package, and those on first use.
"""

from orderguard.enrich.addresses import parse_addresses
from orderguard.enrich.phones import load_phone_dat, phone_facts
from orderguard.enrich.places import canonical_region, farther_than, locate

__all__ = [
    "canonical_region",
    "farther_than",
    "load_phone_dat",
    "locate",
    "parse_addresses",
    "phone_facts",
]
