"""References between resources, and outputs, against the emulator (S46)."""

from __future__ import annotations

from typing import Any

API_2021, API_2016 = "2021-04-06", "2016-08-15"
HTTP = {"type": "http", "config": {"authType": "anonymous", "methods": ["GET"]}}


def referring(stage: Any, *, api: str = API_2021) -> dict[str, Any]:
    """Two services: `a/g` refers to `b/f` and to its http trigger, `b/h` to what is made of names."""
    spec: dict[str, Any] = stage.spec(1, api=api, service="b")
    spec["services"]["b"]["functions"]["f0"]["triggers"] = {"t": HTTP}
    address = "${{ ref('b/f0/t').urlInternet }}" if api == API_2021 else "${{ ref('b/f0/t').triggerId }}"
    spec["services"]["a"] = {
        "functions": {
            "g": {
                "code": "./src",
                "environmentVariables": {
                    "URL": address,
                    "HOOK": f"{address}/hook?of=${{{{ target.name }}}}",
                    "PEER": "${{ ref('b/f0').arn }}",
                    "ID": "${{ ref('function:b/f0').functionId }}",
                },
            }
        }
    }
    return spec
