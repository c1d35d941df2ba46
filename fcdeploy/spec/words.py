"""The words of a spec that are no kind's: their JSON Schema, as an editor sees them before templating (S1-S9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from fcdeploy.kinds import registry
from fcdeploy.kinds.descriptor import Kind
from fcdeploy.kinds.fields import CHECKSUMS, Field
from fcdeploy.spec.credentials import CREDENTIALS
from fcdeploy.spec.policy_words import POLICIES, WORD
from fcdeploy.spec.rollout_words import ROLLOUT_WORD
from fcdeploy.spec.targets import API_VERSIONS, NETWORKS
from fcdeploy.spec.word_forms import map_word, text_word

API_VERSION = "fcdeploy/v1"
OUTPUTS = "outputs"
ROLLOUT = "rollout"
NAME_OF_OUTPUT = r"^[A-Za-z_][-_A-Za-z0-9]{0,63}$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"

TEMPLATE: dict[str, Any] = {
    "title": "Template",
    "description": "`${{ expression }}`, evaluated for each target.",
    "type": "string",
    "pattern": r"\$\{\{",
}


class ResourceWord(Struct, frozen=True, kw_only=True):
    """A word that may stand on a resource, beside the fields of its kind.

    `limits` is the rest of its JSON Schema, for one kind. `shared`: it may also stand in `defaults`, since it can mean
    the same for every resource of a kind. `for_kind`: which kinds may have it.
    """

    name: str
    title: str
    description: str
    limits: Callable[[Kind], dict[str, Any]]
    shared: bool = False
    for_kind: Callable[[Kind], bool] = lambda kind: True

    def schema(self, kind: Kind) -> dict[str, Any]:
        """Its JSON Schema on a resource of this kind."""
        return {"title": self.title, "description": self.description, **self.limits(kind)}


def _flag(kind: Kind) -> dict[str, Any]:
    del kind
    return {"type": "boolean", "default": False}


def _paths(kind: Kind) -> dict[str, Any]:
    del kind
    return {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}


def _other_name(kind: Kind) -> dict[str, Any]:
    rule = {key: value for key, value in kind.name_schema.items() if key not in ("title", "description")}
    return {"description": f"The name that it had before; {kind.name_schema['description']}.", "type": "string", **rule}


def _condition(kind: Kind) -> dict[str, Any]:
    del kind
    return {"type": ["boolean", "string"], "minLength": 1}


def _elements(kind: Kind) -> dict[str, Any]:
    del kind
    return {"type": ["array", "object", "string"], "minLength": 1}


WHEN = "when"
FOREACH = "foreach"

RESOURCE_WORDS: tuple[ResourceWord, ...] = (
    ResourceWord(
        name=WHEN,  # S46
        title="When",
        description="An expression; where it is false, it is as if this resource were not in the file.",
        limits=_condition,
    ),
    ResourceWord(
        name=FOREACH,
        title="For each",
        description="A list, a map or an expression; the resource is made once for each item, as `each`.",
        limits=_elements,
    ),
    ResourceWord(
        name="protect",  # S15
        title="Protect",
        description="Refuse every plan that would delete or replace this resource.",
        limits=_flag,
        shared=True,
    ),
    ResourceWord(
        name="absent",  # S14
        title="Absent",
        description="It is not to be there, nor what stands beneath it: what exists goes.",
        limits=_flag,
    ),
    ResourceWord(
        name="ignore",  # S17
        title="Ignore",
        description="Dotted paths of fields and map keys that only a create sets; later they stay as they are.",
        limits=_paths,
        shared=True,
    ),
    ResourceWord(
        name="renamedFrom",
        title="Renamed from",
        description="The name that it had before, in the same place: the plan then tells the rename as one.",
        limits=_other_name,
    ),
    ResourceWord(
        name="external",  # S13
        title="External",
        description="Somebody else keeps it; only what stands beneath it is this file's.",
        limits=_flag,
        for_kind=lambda kind: kind.may_be_external,
    ),
)
"""What a file may say of a resource besides its fields."""


def words_of(kind: Kind) -> tuple[ResourceWord, ...]:
    """The words that resources of this kind may have."""
    return tuple(one for one in RESOURCE_WORDS if one.for_kind(kind))


_LOCAL_SOURCES = ("path", "file", "zip")
_OF_A_FOLDER = ("include", "exclude", "build")
_PATTERNS: dict[str, Any] = {"type": "array", "items": {"type": "string", "minLength": 1}}


def _source(title: str, description: str, **limits: Any) -> dict[str, Any]:
    return {"title": title, "description": description, "type": "string", "minLength": 1, **limits}


def code_word(field: Field) -> dict[str, Any]:
    """What a value of `code:` may be, for a field that holds an archive (S25)."""
    scheme = field.bucket
    checksum, form = CHECKSUMS[field.checksum_by]
    sources = (*_LOCAL_SOURCES, scheme)
    return {
        "type": ["string", "object"],
        "minLength": 1,
        # An address of another cloud's buckets is told of where that is known.
        "pattern": "^(?!o[sb]s://)|^o[sb]s://[^/]+/.",
        "properties": {
            "path": _source("Folder", "A folder; its files become the archive."),
            "file": _source("File", "One source file; it becomes an archive of its own."),
            "zip": _source("Archive", "An archive that exists already: .zip, .jar or .war."),
            scheme: _source(
                "Object", f"An archive in a bucket: `{scheme}://bucket/object`.", pattern=f"^{scheme}://[^/]+/."
            ),
            "include": {
                "title": "Include",
                "description": "Patterns of the only files that are taken from the folder.",
                **_PATTERNS,
            },
            "exclude": {
                "title": "Exclude",
                "description": "Patterns of files that are left out.",
                **_PATTERNS,
            },
            "build": {
                "title": "Build",
                "description": "A program and its arguments, such as [npm, ci]; `fcdeploy build` runs it in a copy of "
                "the folder and packages what it makes.",
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
            },
            "checksum": _source(
                "Checksum",
                f"{checksum} of the archive; the only way to see that an object in a bucket was replaced.",
                pattern=f"^{form}$",
            ),
        },
        "additionalProperties": False,
        "anyOf": [{"type": "string"}, *({"required": [name]} for name in sources)],
        # One direction each, so that two sources are one mistake.
        "dependentSchemas": {
            name: {
                "properties": {
                    other: {"not": {}}
                    for other in (*sources[position + 1 :], *(_OF_A_FOLDER if name != "path" else ()))
                }
            }
            for position, name in enumerate(sources)
        },
    }


_KINDS = sorted({name for _, name in registry.KINDS})

_VARS = map_word("Variables", "Values that templates read as `vars.NAME`; they may be templates themselves.")  # S3

_TARGET_FIELDS: dict[str, Any] = {
    "provider": text_word("Provider", "The cloud.", enum=sorted({provider for provider, _ in registry.KINDS})),
    "account": text_word("Account", "Id of the account, in quotes; checked before the first write."),  # S6
    "projectId": text_word(
        "Project id", "Id of the project, for Huawei Cloud in the place of `account`; each region has its own."
    ),
    "region": text_word("Region", "The region, such as `cn-hangzhou`."),
    "api": text_word(
        "API version", "The version of the provider's API; the newest when left out.", enum=list(API_VERSIONS)
    ),
    "network": text_word("Network", "Through which network the API is reached.", enum=list(NETWORKS)),
    "credentials": CREDENTIALS,
    "vars": _VARS,
    "patch": map_word(
        "Patch",
        "Merge patches for resources in this target alone, by address such as `function:shop/order`; null removes.",
        patternProperties={
            "\\$\\{\\{": {},
            **{f"^{name}:": {"anyOf": [{"$ref": f"#/$defs/{name}"}, {"type": "null"}]} for name in _KINDS},
        },
        additionalProperties=False,
    ),
    "matrix": {
        "title": "Matrix",
        "description": "Makes a target of each row: a map of lists, of which every combination is one, or a list of "
        "maps. Values may be any field of a target, or names of their own for templates.",  # S6
        "type": ["object", "array"],
        "additionalProperties": {"type": "array", "minItems": 1},
        "items": {"type": "object", "minProperties": 1},
    },
    "exclude": {
        "title": "Exclude",
        "description": "Rows of the matrix to leave out: maps of some of their values or patterns of them.",
        "type": "array",
        "items": {"type": "object", "minProperties": 1},
    },
    "name": text_word(
        "Name",
        "How the targets of a matrix are called, as a template; when left out, the name here and the values of the row "
        "with `/` between.",
    ),
    "retired": {
        "title": "Retired",
        "description": "Plan the destruction of everything that this target owns.",  # S9
        "type": "boolean",
        "default": False,
    },
}

DOCUMENT_WORDS: dict[str, dict[str, Any]] = {
    "apiVersion": {
        "title": "Version",
        "description": "The version of the language of this file.",
        "const": API_VERSION,
    },
    "project": text_word(
        "Project",
        "The project's name, 1 to 63 of a-z, 0-9 and `-`; it marks everything that the project owns.",  # S10
        pattern=NAME_PATTERN,
    ),
    "include": {
        "title": "Include",
        "description": "Other files of this spec: paths or patterns, relative to this file; merged by sections.",
        "type": "array",
        "items": {
            "type": ["string", "object"],
            "minLength": 1,
            "properties": {
                "path": text_word("Path", "A path or a pattern.", minLength=1),
                "outside": {
                    "title": "Outside",
                    "description": "That it leads outside the folder of the project, and is meant to.",
                    "type": "boolean",
                    "default": False,
                },
            },
            "required": ["path"],
            "additionalProperties": False,
        },
    },
    "vars": _VARS,
    "targets": map_word(
        "Targets",
        "Where the project goes, by name: accounts and regions.",  # S6
        minProperties=1,
        additionalProperties=map_word(
            "Target",
            "One account and region of one cloud.",
            properties=_TARGET_FIELDS,
            anyOf=[{"required": ["provider", "region"]}, {"required": ["matrix"]}],
            additionalProperties=False,
        ),
    ),
    OUTPUTS: map_word(
        "Outputs",
        "Values that `apply` prints at its end and `fcdeploy outputs` reads live, by name.",  # S46
        propertyNames={
            "description": "a name has letters, digits, `_` and `-`, and begins with a letter or `_`",
            "type": "string",
            "pattern": NAME_OF_OUTPUT,
        },
        additionalProperties={"title": "Output", "description": "Any value; mostly one with `ref()` in it."},
    ),
    POLICIES: dict(WORD),
    "defaultTarget": text_word(
        "Default target", "The target, or a pattern of targets, that commands take without `--target`."
    ),
    ROLLOUT: ROLLOUT_WORD,
    "secrets": map_word(
        "Secrets",
        "Where secrets come from, by name; templates read them with `secret('NAME')`.",  # S41
        additionalProperties=map_word(
            "Secret",
            "One source.",
            properties={
                "env": text_word("Environment variable", "The variable that holds the secret."),
                "file": text_word("File", "The file that holds the secret; one line break at its end does not count."),
                "command": {
                    "title": "Command",
                    "description": "A program and its arguments; the secret is what it prints.",
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                },
            },
            additionalProperties=False,
            minProperties=1,
            maxProperties=1,
        ),
    ),
}
"""Words at the top of a spec, besides `defaults` and the kinds' sections."""

NEEDED_WORDS = ("apiVersion", "project")
"""`targets` is needed as well; what is wrong with it is said where it is read."""
