"""Answers from the nearest bucket, and tidies up after itself."""

import os


def answer(environ, start_response):
    """Serve a page that says where it comes from."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{os.environ['PLACE']} with {os.environ['BUCKET']}\n".encode()]


def tidy(event, context):
    """Called by the timer every night."""
    return "nothing to tidy"
