"""Declarative environments for Google Colab and its like: one file, one cell."""

__version__ = "0.1.0"
