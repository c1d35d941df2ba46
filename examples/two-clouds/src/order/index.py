"""Takes orders. The same code runs in both clouds: a handler gets the event and a context."""

import json

ready = False


def prepare(context):
    """Called once in each new instance."""
    global ready
    ready = True


def handler(event, context):
    """Called by the timer; `event` is bytes in one cloud and a dictionary in the other."""
    given = json.loads(event) if isinstance(event, (bytes, str)) else event
    return {"ready": ready, "given": given}
