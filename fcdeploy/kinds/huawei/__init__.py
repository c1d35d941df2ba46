"""Kinds of FunctionGraph."""
