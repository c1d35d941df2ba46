"""Keeps the catalogue of pictures up to date."""

import json

catalogue = {}


def initialize(context):
    catalogue.clear()


def handler(event, context):
    message = json.loads(event)
    catalogue[message["key"]] = message
    return str(len(catalogue))
