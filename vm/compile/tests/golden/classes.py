class A[T: int = str](B, k=1):
    "doc"
    x: T
    if x:
        y: int = 1
    def m(self, a: T, b=2, *, c=3) -> None:
        "  doc\n    more"
        self.a = super().m(a)
        return lambda: (self, __class__)
def g[T](x: T = 1): pass
type L[T] = list[T]
