# /// lab
# about = "Split, join, replace, format and compare of private strings"
# stresses = "string kernels and the allocation of their results"
# processes = "lines divided, one number per worker sent back"
# [quick]
# lines = 9600
# checksum = 1784664838025
# [full]
# lines = 96000
# checksum = 11749579551143
# ///
def setup(lines):
    return lines


def work(lines, shared, worker, n_workers):
    total = 0
    for i in range(worker, lines, n_workers):
        # Bit 3 and not bit 0: each of up to eight workers gets as many long lines as short ones.
        line = "key%d = value%d ; %s" % (i, i * 7, "path/to/item é" if i & 8 else "plain")
        left, _, right = line.partition(" = ")
        fields = [field.strip().upper() for field in right.split(";")]
        text = f"{left:>12}|{'-'.join(fields)}|{i:08x}"
        text = text.replace("PATH", "root").lower()
        if text.startswith("key", 12 - len(left)) and "root" in text:
            total += len(text)
        mixed = 0
        for letter in text[::5]:
            mixed = (mixed * 17 + ord(letter)) & 0xFFFFFFF
        total += mixed
    return total


def combine(lines, parts):
    return sum(parts)
