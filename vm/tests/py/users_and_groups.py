"""pwd and grp: the databases of users and groups, walked through by several threads at once."""
import grp
import os
import pwd

from checks import raises, run

me = pwd.getpwuid(os.getuid())
assert me == pwd.getpwnam(me.pw_name) and tuple(me) == me[:7] == me[0:], me
assert (me.pw_uid, me[2], type(me.pw_dir), type(me.pw_gecos)) == (os.getuid(), os.getuid(), str, str)
group = grp.getgrgid(me.pw_gid)
assert group.gr_gid == me.pw_gid and type(group.gr_mem) is list and grp.getgrnam(name=group.gr_name).gr_name == group.gr_name
assert repr(group).startswith("grp.struct_group(gr_name=")

for f, kind, *bad in (
        (pwd.getpwuid, KeyError, 0x7654_3210, -2, 1 << 40, 1 << 80), (pwd.getpwuid, TypeError, "a", 0.0, None),
        (pwd.getpwnam, KeyError, "no such name", ""), (pwd.getpwnam, ValueError, "a\0b"), (pwd.getpwnam, TypeError, b"root", 5, None),
        (grp.getgrgid, KeyError, 0x7654_3210), (grp.getgrgid, OverflowError, -2, 1 << 40, 1 << 80), (grp.getgrgid, TypeError, "a", 0.0),
        (grp.getgrnam, KeyError, "no such name"), (grp.getgrnam, ValueError, "a\0b"), (grp.getgrnam, TypeError, b"root", 5)):
    for v in bad:
        raises(kind, f, v)
raises(UnicodeEncodeError, pwd.getpwnam, "\ud800")

USERS, GROUPS = pwd.getpwall(), grp.getgrall()
assert me.pw_name in [u.pw_name for u in USERS]


def look():
    for _ in range(20):
        assert pwd.getpwall() == USERS
        assert grp.getgrall() == GROUPS
        assert pwd.getpwuid(me.pw_uid) == me
        assert grp.getgrgid(group.gr_gid) == group


run(*[look] * 4)
