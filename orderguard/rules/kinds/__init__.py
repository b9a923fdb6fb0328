"""One module per rule kind: settings, expression, value, reason, and its manual page as the docstring."""
