def f(n):
    total = 0
    for i in range(n):
        if i % 2: continue
        total += i
    while True:
        if total > 9 or not n:
            break
        total += 1
    else:
        total = None
    return total
