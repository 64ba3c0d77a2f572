async def f(a):
    async with a as b:
        await b
    async for i in a:
        yield i
    return
async def g(a):
    return [i async for i in a]
