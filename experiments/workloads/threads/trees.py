# /// lab
# about = "Binary trees whose nodes refer to their parents, built, walked and dropped beside one that stays"
# stresses = "the cycle collector: each dropped tree is one cycle through all of its nodes"
# processes = "each process builds its own trees"
# [quick]
# depth = 11
# checksum = 52663
# [full]
# depth = 14
# checksum = 552375
# ///
class Node:
    __slots__ = ("left", "right", "parent")

    def __init__(self, parent):
        self.parent = parent
        self.left = self.right = None


def tree(depth, parent=None):
    node = Node(parent)
    if depth:
        node.left = tree(depth - 1, node)
        node.right = tree(depth - 1, node)
    return node


def size(node):
    return 1 if node.left is None else 1 + size(node.left) + size(node.right)


def setup(depth):
    # About as many nodes of each depth.
    depths = [small for small in range(4, depth + 1, 3) for _ in range(4 << depth - small)]
    return tree(depth), depths


def work(state, shared, worker, n_workers):
    return sum(size(tree(depth)) for depth in state[1][worker::n_workers])


def combine(state, parts):
    return size(state[0]) + sum(parts)
