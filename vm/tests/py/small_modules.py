"""Small native modules behind packages of the library: uuid, statistics."""
import os
import statistics
import uuid

import _statistics
import _uuid

from checks import raises, run

# Time and node, once each, whoever asks.
made = []


def make():
    made.extend([_uuid.generate_time_safe() for _ in range(500)])


run(*[make] * 4)
assert len({b for b, safe in made}) == len(made) == 2000
for b, safe in made:
    u = uuid.UUID(bytes=b)
    assert (u.version, u.variant, safe) == (1, uuid.RFC_4122, -1)
    assert u.node == uuid.UUID(bytes=made[0][0]).node
assert uuid.uuid1().is_safe is uuid.SafeUUID.unsafe
assert uuid.uuid1().time >= uuid.UUID(bytes=made[0][0]).time
assert uuid.uuid4() != uuid.uuid4() and uuid.uuid7() < uuid.uuid7()

# The child of a fork has a sequence of its own.
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, _uuid.generate_time_safe()[0])
    os._exit(0)
os.waitpid(pid, 0)
theirs, ours = uuid.UUID(bytes=os.read(r, 16)), uuid.uuid1()
assert theirs.node == ours.node or theirs.node >> 40 & 1
assert theirs != ours

f = _statistics._normal_dist_inv_cdf
for p, mu, sigma, expected in (
        (.5, 0, 1, 0.0), (.001, 3, 2, -3.1804646123356264), (.3, 3, 2, 1.9511989745839187), (1e-300, 3, 2, -71.0941925987224),
        (.5, 2, 0, 2.0), (.25, 0, -1, 0.6744897501960817)):
    assert f(p, mu, sigma) == expected, (p, f(p, mu, sigma))
assert f(float("nan"), 0, 1) != f(float("nan"), 0, 1)
for p in 0, 1, -1, 2.0, float("inf"):
    raises(ValueError, f, p, 0, 1)
raises(TypeError, f, "a", 0, 1)
assert statistics.NormalDist(10, 2).inv_cdf(.5) == 10
assert len(statistics.NormalDist(10, 2).samples(5, seed=3)) == 5
