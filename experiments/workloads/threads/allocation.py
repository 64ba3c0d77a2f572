# /// lab
# about = "Binary trees of small objects, built, counted and dropped"
# stresses = "allocator and the counts of short-lived private objects"
# processes = "trees divided, one number per worker sent back"
# [quick]
# depth = 8
# trees = 144
# checksum = 257544
# [full]
# depth = 12
# trees = 48
# checksum = 1376088
# ///
class Node:
    __slots__ = ("left", "right", "value")

    def __init__(self, left, right, value):
        self.left = left
        self.right = right
        self.value = value


def build(depth, value):
    if depth == 0:
        return Node(None, None, value)
    return Node(build(depth - 1, 2 * value), build(depth - 1, 2 * value + 1), value)


def count(node):
    if node.left is None:
        return node.value & 7
    return (node.value & 7) + count(node.left) + count(node.right)


def setup(depth, trees):
    return depth, trees


def work(state, shared, worker, n_workers):
    depth, trees = state
    total = 0
    for tree in range(worker, trees, n_workers):
        total += count(build(depth, tree + 1))
    return total


def combine(state, parts):
    return sum(parts)
