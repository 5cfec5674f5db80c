# SPDX-License-Identifier: Apache-2.0
"""What the upstreams of the load tests answer with."""
import json


def json_document(size):
    """Records as services send them, one quote in six bytes, padded to just this size."""
    records = []
    length = 30
    while True:
        i = len(records)
        record = {"id": 100000 + i, "sku": "AX-%05d" % i, "stock": i % 3 == 0,
                  "name": "Item number %d, blue" % i, "price": 19.5 + i % 7,
                  "tags": ["new", "home", "sale"]}
        length += len(json.dumps(record, separators=(",", ":"))) + 1
        if length > size:
            break
        records.append(record)
    text = json.dumps({"items": records, "pad": ""}, separators=(",", ":"))
    return text[:-2] + "p" * (size - len(text)) + text[-2:]
