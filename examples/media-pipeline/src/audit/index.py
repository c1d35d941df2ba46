"""Counts failures in a batch of log lines."""

import json


def handler(event, context):
    batch = json.loads(event)
    level = batch.get("parameter", {}).get("level", "error")
    return f"{batch.get('cursorTime', 0)}: looked for {level}"
