# /// lab
# about = "json: encode and decode private documents"
# stresses = "a real library on strings, dicts, lists and numbers"
# processes = "documents divided, one number per worker sent back"
# [quick]
# documents = 1800
# checksum = 359176863
# [full]
# documents = 12000
# checksum = 16110772409
# ///
import json


def document(i):
    # The shape does not follow the worker's share: documents i to i + 7 are alike.
    shape = i >> 3
    return {
        "id": i,
        "name": "item %d" % i,
        "price": i / 8.0,
        "tags": ["tag-%d" % (shape % k) for k in range(1, 6)],
        "nested": {"ok": shape % 2 == 0, "none": None, "values": list(range(shape % 16))},
        "text": 'quote " and \\ and é %d' % i,
    }


def setup(documents):
    return documents


def work(documents, shared, worker, n_workers):
    total = 0
    for i in range(worker, documents, n_workers):
        original = document(i)
        text = json.dumps(original, sort_keys=True)
        if json.loads(text) != original:
            raise ValueError("document %d changed on its way" % i)
        total += len(text) * (i + 1)
    return total


def combine(documents, parts):
    return sum(parts)
