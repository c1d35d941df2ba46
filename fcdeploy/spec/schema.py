"""JSON Schemas of a spec, both from one source (S4): the kinds' tables and the words of a spec.

    strict_schema(provider)   what a spec must be once templates are evaluated and defaults are merged
    editor_schema()           what an editor can say while it is written: `${{ }}` may stand for any value or key

The committed files are made by `python -m fcdeploy.spec.schema schemas`; a test fails when they differ.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fcdeploy.kinds import registry
from fcdeploy.spec.editor import DRAFT, EDITOR_FILE, HOME, SCHEMA_WORD, shown
from fcdeploy.spec.editor import editor_schema as editor_schema
from fcdeploy.spec.kind_schema import Schema, defaults_word, resource, section, shared, without_required
from fcdeploy.spec.resolve import DEFAULTS
from fcdeploy.spec.words import DOCUMENT_WORDS, NEEDED_WORDS


def strict_schema(provider: str, words: Collection[str] | None = None) -> Schema:
    """What a spec for one provider must be after templating and the merge of defaults; nulls are gone by then.

    With `words`: as much of it as counts for a spec that has no others of the words for sections and defaults.
    """
    every = [kind for kind in registry.KINDS.values() if kind.provider == provider]
    kinds = [kind for kind in every if words is None or registry.chain(kind)[0].section in words]
    has_defaults = words is None or DEFAULTS in words
    defaults = {kind.name: without_required(shared(kind)) for kind in every} if has_defaults else {}
    return {
        "$schema": DRAFT,
        "$id": f"{HOME}{strict_file(provider)}",
        "title": f"fcdeploy spec for {provider}, resolved",
        "description": "A spec of one target after templates are evaluated and defaults are merged.",
        "type": "object",
        "properties": {
            "$schema": SCHEMA_WORD,
            **DOCUMENT_WORDS,
            # Targets are judged where they are evaluated, before this schema is asked.
            **{name: shown(DOCUMENT_WORDS[name]) for name in ("targets", "defaultTarget")},
            DEFAULTS: defaults_word(defaults),
            **{kind.section: section(kind) for kind in kinds if kind.place is None},
        },
        "required": [*NEEDED_WORDS],
        "additionalProperties": False,
        "$defs": {kind.name: resource(kind) for kind in kinds},
    }


def strict_file(provider: str) -> str:
    """The file name of a provider's strict schema."""
    return f"{provider}.schema.json"


def schema_text(schema: Mapping[str, Any]) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def schema_files() -> dict[str, str]:
    """Every schema file by name, as text."""
    providers = sorted({provider for provider, _ in registry.KINDS})
    return {
        EDITOR_FILE: schema_text(editor_schema()),
        **{strict_file(provider): schema_text(strict_schema(provider)) for provider in providers},
    }


def write_schemas(folder: Path) -> None:
    """Write every schema file into a folder; raises OSError."""
    for name, content in schema_files().items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    import sys

    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas"))
