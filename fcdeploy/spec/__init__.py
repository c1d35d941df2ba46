"""The spec: YAML with positions, templates, targets, the strict schema, and expansion into what is desired."""
