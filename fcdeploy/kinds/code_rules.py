"""What a function runs, code or an image: rules that hold in every cloud that has both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from fcdeploy.kinds.checks import Finding
from fcdeploy.kinds.risks import IMAGE_DIGEST
from fcdeploy.model import Json


def code_findings(
    body: Mapping[str, Json], *, containers: Collection[Json], excluded: Iterable[str] = ("code",)
) -> Iterable[Finding]:
    """Code, or an image with one of the runtimes `containers`, and not both; `excluded` are fields that go with code
    alone."""
    runtime, container = body.get("runtime"), body.get("customContainerConfig")
    if runtime in containers:
        if container is None:
            yield Finding(
                path="",
                summary="`customContainerConfig` is missing",
                detail="runtime custom-container runs an image",
                hint="add `customContainerConfig: {image: …}`",
            )
        for field in excluded:
            if body.get(field) not in (None, []):
                yield Finding(
                    path=field,
                    summary=f"`{field}` and a container exclude each other",
                    detail="runtime custom-container runs an image and takes no code",
                    hint=f"remove `{field}`",
                )
    elif runtime is not None:
        if container is not None:
            yield Finding(
                path="customContainerConfig",
                summary="`customContainerConfig` is only for runtime custom-container",
                detail=f"runtime is {runtime}",
                hint="remove it, or set `runtime: custom-container`",
            )
        if body.get("code") is None:
            yield Finding(
                path="",
                summary="`code` is missing",
                detail="a function needs code, or an image with runtime custom-container",
                hint="for example `code: ./src`",
            )


def image_findings(body: Mapping[str, Json], *, example: str) -> Iterable[Finding]:
    """An image by a tag, which may lead to another one tomorrow; `example` is how one is named by its digest."""
    container = body.get("customContainerConfig")
    image = container.get("image") if isinstance(container, Mapping) else None
    if isinstance(image, str) and "@sha256:" not in image:
        yield Finding(
            path="customContainerConfig.image",
            summary="a new image under the same tag cannot be seen",
            detail="only the address is compared; a tag can be moved to another image",
            hint=f"name the image by its digest: `{example}`",
            is_warning=True,
            risk=IMAGE_DIGEST,
        )
