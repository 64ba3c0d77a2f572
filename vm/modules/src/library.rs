//! The packed standard library: source and compiled code of each module, inside the command.
//!
//! Layout of the blob (little-endian): the number of files as u32; one index entry per file, sorted by
//! path, of six u32: offset and length of path, source and code; then the bytes. Offsets count from the
//! start of the blob. Data files have no code.
//!
//! Cost: finding a file is a binary search; nothing is copied or unpacked.

use std::sync::OnceLock;

/// A packed library.
#[derive(Clone, Copy, Debug)]
pub struct Library {
    blob: &'static [u8],
    n: usize,
}

/// A file in it.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Path below the library's folder: `email/__init__.py`.
    pub path: &'static str,
    pub source: &'static [u8],
    /// Marshalled code, empty for data files. The file name inside is [`File::path`].
    pub code: &'static [u8],
}

static LIBRARY: OnceLock<Library> = OnceLock::new();

/// Declares the library of this process; the first call counts.
pub fn install(blob: &'static [u8]) {
    LIBRARY.get_or_init(|| Library::open(blob));
}

/// The library of this process, if it has one.
pub fn get() -> Option<Library> {
    LIBRARY.get().copied()
}

const ENTRY: usize = 24;

impl Library {
    /// Reads the head of a blob. Panics later, on use, if the blob was not made by the build script.
    pub fn open(blob: &'static [u8]) -> Library {
        let n = blob.first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b) as usize);
        Library { blob, n }
    }

    /// Number of files.
    pub fn len(self) -> usize {
        self.n
    }

    pub fn is_empty(self) -> bool {
        self.n == 0
    }

    fn field(self, i: usize, which: usize) -> &'static [u8] {
        let at = 4 + i * ENTRY + which * 8;
        let word = |at: usize| {
            u32::from_le_bytes([self.blob[at], self.blob[at + 1], self.blob[at + 2], self.blob[at + 3]])
                as usize
        };
        let (start, len) = (word(at), word(at + 4));
        &self.blob[start..start + len]
    }

    /// File number `i`, in the order of paths.
    pub fn file(self, i: usize) -> File {
        File {
            path: std::str::from_utf8(self.field(i, 0)).unwrap_or(""),
            source: self.field(i, 1),
            code: self.field(i, 2),
        }
    }

    /// Index of the first file whose path is not less than `path`.
    fn lower_bound(self, path: &str) -> usize {
        let (mut low, mut high) = (0, self.n);
        while low < high {
            let mid = (low + high) / 2;
            if self.field(mid, 0) < path.as_bytes() { low = mid + 1 } else { high = mid }
        }
        low
    }

    /// The file with this path.
    pub fn find(self, path: &str) -> Option<File> {
        let i = self.lower_bound(path);
        (i < self.n && self.field(i, 0) == path.as_bytes()).then(|| self.file(i))
    }

    /// Files below a folder (`""`, or a path that ends in `/`).
    pub fn below(self, folder: &str) -> impl Iterator<Item = File> {
        let start = self.lower_bound(folder);
        let folder = folder.as_bytes().to_vec();
        (start..self.n).map_while(move |i| self.field(i, 0).starts_with(&folder).then(|| self.file(i)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Library {
        let files: &[(&str, &str)] = &[("a.py", "A"), ("b/__init__.py", "B"), ("b/c.py", "C"), ("d.py", "D")];
        let start = 4 + files.len() * ENTRY;
        let (mut index, mut body) = (Vec::new(), Vec::new());
        for (path, source) in files {
            for bytes in [path.as_bytes(), source.as_bytes(), b""] {
                index.extend_from_slice(&((start + body.len()) as u32).to_le_bytes());
                index.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                body.extend_from_slice(bytes);
            }
        }
        let mut blob = (files.len() as u32).to_le_bytes().to_vec();
        blob.extend(index);
        blob.extend(body);
        Library::open(blob.leak())
    }

    #[test]
    fn finds_files_and_folders() {
        let lib = sample();
        assert_eq!(lib.find("b/c.py").map(|f| f.source), Some(&b"C"[..]));
        assert!(lib.find("b").is_none() && lib.find("e.py").is_none() && lib.find("").is_none());
        let below: Vec<_> = lib.below("b/").map(|f| f.path).collect();
        assert_eq!(below, ["b/__init__.py", "b/c.py"]);
        assert_eq!(lib.below("").count(), 4);
    }
}
