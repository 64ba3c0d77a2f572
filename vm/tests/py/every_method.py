# Every method of every built-in type that threads can share, run by several threads at once on one object.
#
#     typhon every_method.py [SECONDS SEED [SUBJECT [THEME]]]
#
# `checks/stress.py` says how; the recipes are beside it. Without arguments: each operation for one short round.
import sys

from checks import (
    stress, subjects_asyncio, subjects_buffers, subjects_containers, subjects_iterators, subjects_modules, subjects_services,
)

PARTS = (subjects_containers, subjects_buffers, subjects_iterators, subjects_modules, subjects_services, subjects_asyncio)
SUBJECTS = [s for part in PARTS for s in part.SUBJECTS]

if __name__ == "__main__":
    stress.main(SUBJECTS, sys.argv[1:])
