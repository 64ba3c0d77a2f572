# /// lab
# about = "Word counts in private dicts, merged at the end"
# stresses = "dict inserts and look-ups on private dicts with shared string keys"
# processes = "text inherited or sent, dicts sent back"
# [quick]
# words = 240000
# checksum = 296952153
# [full]
# words = 2000000
# checksum = 1349063567
# ///
def setup(words):
    text = []
    value = 7
    for _ in range(words):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
        text.append("word-%d" % ((value >> 16) % 997))
    return text


def work(text, shared, worker, n_workers):
    first = len(text) * worker // n_workers
    last = len(text) * (worker + 1) // n_workers
    counts = {}
    for i in range(first, last):
        word = text[i]
        if word in counts:
            counts[word] += 1
        else:
            counts[word] = 1
    return counts


def combine(text, parts):
    merged = {}
    for counts in parts:
        for word, count in counts.items():
            merged[word] = merged.get(word, 0) + count
    total = 0
    for word in sorted(merged):
        total = (total * 31 + len(word) * merged[word]) & 0xFFFFFFFF
    return total
