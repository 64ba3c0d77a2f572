# /// lab
# about = "Sort private lists by value and by key, then merge them"
# stresses = "list kernels: sort, slices, comparisons, key functions"
# processes = "numbers made by each worker, sorted runs sent back"
# [quick]
# numbers = 48000
# checksum = 53502247608
# [full]
# numbers = 480000
# checksum = 50089843946
# ///
RUNS = 24


def setup(numbers):
    return numbers


def numbers_of(run, size):
    value = run * 7919 + 1
    numbers = []
    for _ in range(size):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF
        numbers.append(value >> 4)
    return numbers


def merge(left, right):
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    merged.extend(left[i:])
    merged.extend(right[j:])
    return merged


def work(numbers, shared, worker, n_workers):
    total = 0
    for run in range(worker, RUNS, n_workers):
        values = numbers_of(run, numbers // RUNS)
        half = len(values) // 2
        by_value = merge(sorted(values[:half]), sorted(values[half:]))
        by_digit = sorted(by_value, key=lambda value: (value % 10, -value))
        part = 0
        for i in range(0, len(by_digit), 16):
            part = (part * 31 + by_digit[i] + by_value[i]) & 0xFFFFFFFF
        total += part
    return total


def combine(numbers, parts):
    return sum(parts)
