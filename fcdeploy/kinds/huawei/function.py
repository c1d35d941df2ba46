"""Function of FunctionGraph. Facts 2, 3, 10, 15, S44.

A service of the file is no resource here: the function `F` of the service `S` is the function `S-F`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from fcdeploy.kinds.descriptor import (
    Attribute,
    Group,
    GuardStyle,
    Kind,
    Listing,
    Marking,
    NamesInFile,
    Operation,
    TagGroup,
    Translation,
)
from fcdeploy.kinds.huawei.function_fields import FIELDS, LATER
from fcdeploy.kinds.huawei.function_rules import LACKS, check, risks
from fcdeploy.kinds.huawei.function_travel import said, sent
from fcdeploy.kinds.huawei.urn import (
    DEFAULT_PACKAGE,
    LONGEST_NAME,
    NAME_PATTERN,
    NAME_SCHEMA,
    PROVIDER,
    URN,
    URN_PATTERN,
    on_function,
)
from fcdeploy.model import Json


def identify(names: tuple[str, ...], body: Mapping[str, Json]) -> tuple[str, ...]:
    """(package, function) of what stands under `names` in the file, the service's first (S44)."""
    service, function = names
    return str(body.get("package") or DEFAULT_PACKAGE), str(body.get("name") or f"{service}-{function}")


def in_file(identity: tuple[str, ...], body: Mapping[str, Json]) -> Iterator[NamesInFile]:
    """What a file can call a function: `S-F` is `F` of `S`; where that cannot be, it is one of a service of its own."""
    del body
    package, name = identity
    inside = {} if package == DEFAULT_PACKAGE else {"package": package}
    service, dash, function = name.partition("-")
    if dash and all(re.fullmatch(NAME_PATTERN, one) for one in (service, function)):
        yield (service, function), inside
    yield (name, name), {"name": name, **inside}
    for number in itertools.count(2):
        yield (f"{name[: LONGEST_NAME - 4]}{number}", name), {"name": name, **inside}


def about(body: Mapping[str, Json]) -> str:
    """Its runtime, or its image, and its size."""
    image = (body.get("customContainerConfig") or {}).get("image")
    memory, gpu = body.get("memorySize"), body.get("gpuMemorySize")
    sizes = (f"{memory} MB" if memory else "", f"GPU {gpu} MB" if gpu else "")
    return ", ".join(str(part) for part in (image or body.get("runtime"), *sizes) if part)


KIND = Kind(
    provider=PROVIDER,
    name="function",
    title="Function",
    description="Code or an image, and how it runs.",
    section="functions",
    parent=None,
    stands_in="service",
    identity=("package", "functionName"),
    identify=identify,
    in_file=in_file,
    name_schema=NAME_SCHEMA,
    fields=FIELDS,
    create=Operation(name="CreateFunction", method="POST", path="/fgs/functions"),
    read=on_function("ShowFunctionConfig", "GET", "/config"),
    update=on_function("UpdateFunctionConfig", "PUT", "/config"),
    delete=on_function("DeleteFunction", "DELETE"),
    listing=Listing(
        operation=Operation(name="ListFunctions", method="GET", path="/fgs/functions"),
        items="functions",
        limit=400,
        member="func_urn",
        pattern=URN_PATTERN,
        following="next_marker",
        token="marker",
        size="maxitems",
        total="count",
        # No VPC, mounts, image, network or dependencies in it (facts 3.4, the SDK's model of the list).
        whole=False,
    ),
    whole=True,
    later=LATER,
    groups=(
        Group(
            name="code",
            fields=frozenset({"code", "layers"}),
            update=on_function("UpdateFunctionCode", "PUT", "/code"),
            answers=False,
        ),
        Group(
            name="instances",
            fields=frozenset({"onDemand"}),
            update=on_function("UpdateFunctionMaxInstanceConfig", "PUT", "/config-max-instance"),
            created=False,
            answers=False,
        ),
    ),
    translation=Translation(said=said, sent=sent),
    guard=GuardStyle.RECHECK,
    stamps=("digest", "last_modified"),
    marking=Marking.TAGS,
    missing=frozenset({"FSS.1051"}),
    tags=TagGroup(
        name="tags",
        field="tags",
        put=Operation(name="CreateTags", method="POST", path=f"/functions/{URN}/tags/create"),
        remove=Operation(name="DeleteTags", method="DELETE", path=f"/functions/{URN}/tags/delete"),
        removed="tags",
        read=Operation(name="ListFunctionTags", method="GET", path=f"/functions/{URN}/tags"),
        answer="tags",
        listing=Listing(
            operation=Operation(name="ShowResInstanceInfo", method="POST", path="/functions/resource-instances/filter"),
            items="resources",
            limit=1000,
            member="resource_id",
            pattern=URN_PATTERN,
            following="",
            token="offset",
            total="total_count",
            in_body=True,
        ),
        pairs=True,
    ),
    archive_read=on_function("ExportFunction", "GET", "/export", query={"config": "false", "code": "true"}),
    archive_url="code_url",
    check=check,
    risks=risks,
    about=about,
    reported=("runtime", "memorySize", "timeout", "codeSize", "codeChecksum"),
    soft_limit=400,
    lacks=LACKS,
    attributes=(
        Attribute(name="name", description="The function's name.", template="{functionName}"),
        Attribute(name="arn", description="URN of the function, of what is not published.", template=URN),
        Attribute(name="urn", description="The same: the URN of the function.", template=URN),
        Attribute(name="functionId", description="The id that the function got when it was created.", member="func_id"),
    ),
)
