"""An http function: greets whoever calls."""

import os


def handler(environ, start_response):
    greeting = os.environ.get("GREETING", "Hello")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{greeting} from Function Compute\n".encode()]
