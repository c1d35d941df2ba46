"""The same answer to a web request, in the two ways in which the clouds ask for it."""

import json

ANSWER = json.dumps({"open": True})


def function_compute(environ, start_response):
    """Function Compute calls a Python handler of an http trigger like a WSGI application."""
    start_response("200 OK", [("Content-Type", "application/json")])
    return [ANSWER.encode()]


def function_graph(event, context):
    """FunctionGraph hands over the gateway's event and wants status, headers and body."""
    return {
        "statusCode": 200,
        "isBase64Encoded": False,
        "headers": {"Content-Type": "application/json"},
        "body": ANSWER,
    }
