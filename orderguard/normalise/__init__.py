"""Their words into ours, their text into our types. Rows that cannot be read are set aside with the reason.

Knows headings only as `Pick`s handed to it, never which platform they came from.
"""

from orderguard.normalise.baskets import with_baskets
from orderguard.normalise.fold import Folded, fold_orders
from orderguard.normalise.recipe import Recipe, Typed
from orderguard.normalise.typed import type_table

__all__ = ["Folded", "Recipe", "Typed", "fold_orders", "type_table", "with_baskets"]
