"""Files beside the packages of the packed library, for importlib.resources."""

import io
import _typhonlib

from importlib.resources.abc import Traversable, TraversableResources


class LibraryPath(Traversable):
    """A file or folder of the packed library."""

    def __init__(self, finder, path):
        self._finder = finder
        self._path = path.rstrip('/')

    @property
    def name(self):
        return self._path.rpartition('/')[2]

    def is_file(self):
        return self._path in _typhonlib.files(self._path)

    def is_dir(self):
        return bool(_typhonlib.files(self._path + '/'))

    def iterdir(self):
        start = self._path + '/'
        seen = dict.fromkeys(p[len(start):].partition('/')[0] for p in _typhonlib.files(start))
        return (LibraryPath(self._finder, start + name) for name in seen)

    def joinpath(self, *descendants):
        path = self
        for descendant in descendants:
            for part in str(descendant).split('/'):
                if part and part != '.':
                    path = LibraryPath(path._finder, f'{path._path}/{part}')
        return path

    __truediv__ = joinpath

    def read_bytes(self):
        return self._finder.get_data(f'{self._finder.archive}/{self._path}')

    def read_text(self, encoding=None, errors=None):
        return self.read_bytes().decode(encoding or 'utf-8', errors or 'strict')

    def open(self, mode='r', *args, **kwargs):
        stream = io.BytesIO(self.read_bytes())
        if 'b' in mode:
            return stream
        return io.TextIOWrapper(stream, *args, **kwargs)


class LibraryReader(TraversableResources):
    """The resources of one package."""

    def __init__(self, finder, folder):
        self._root = LibraryPath(finder, folder)

    def files(self):
        return self._root
