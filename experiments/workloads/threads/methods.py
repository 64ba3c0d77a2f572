# /// lab
# about = "Method calls and attribute updates on private objects of shared classes"
# stresses = "type look-ups, inline caches and calls that all threads share"
# processes = "objects divided, one number per worker sent back"
# [quick]
# steps = 240000
# checksum = 1229040
# [full]
# steps = 1920000
# checksum = 9840000
# ///
class Account:
    rate = 3

    def __init__(self, owner):
        self.owner = owner
        self.balance = 0
        self.moves = 0

    def add(self, amount):
        self.balance += amount
        self.moves += 1

    def settle(self):
        self.add(self.balance % self.rate)


class Saving(Account):
    rate = 5

    def add(self, amount):
        super().add(amount + 1)

    @property
    def total(self):
        return self.balance * 2 + self.moves


def setup(steps):
    return steps


def work(steps, shared, worker, n_workers):
    total = 0
    for block in range(worker, 24, n_workers):
        account = Account(block)
        saving = Saving(block)
        for i in range(steps // 96):
            account.add(i & 15)
            saving.add(i & 7)
            account.settle()
        total += account.balance + account.moves + saving.total
    return total


def combine(steps, parts):
    return sum(parts)
