"""orderguard: finds abnormal e-commerce orders before they ship."""

__version__ = "0.1.0"
