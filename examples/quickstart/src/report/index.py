"""A timer function: says what called it."""

import json


def handler(event, context):
    call = json.loads(event)
    return f"report of {call.get('triggerTime', 'now')}"
