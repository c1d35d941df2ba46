"""Kinds: one descriptor per resource kind, and the registry that finds them."""
