//! A temporary folder that holds the embedded programs while they run, and goes away afterwards.

use crate::definition::Files;
use crate::failure::{Result, while_doing};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own; removed with everything in it when dropped.
pub struct Workdir {
    path: PathBuf,
}

impl Workdir {
    /// Makes an empty folder below the system's temporary folder.
    ///
    /// Errors: when it cannot be made.
    pub fn new() -> Result<Workdir> {
        let base = std::env::temp_dir();
        for attempt in 0u32.. {
            let path = base.join(format!("typhon-lab-{}-{attempt}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Workdir { path }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 1000 => {}
                Err(error) => return Err(while_doing(format!("cannot make {}", path.display()))(error)),
            }
        }
        unreachable!("the loop returns")
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one file into the folder and returns its path.
    ///
    /// Errors: when it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(while_doing(format!("cannot make {}", parent.display())))?;
        }
        fs::write(&path, text).map_err(while_doing(format!("cannot write {}", path.display())))?;
        Ok(path)
    }

    /// Writes a program and the files that it imports; returns the path of the program, which is the first.
    ///
    /// Errors: when one cannot be written.
    pub fn write_program(&self, files: Files) -> Result<PathBuf> {
        for (name, text) in files {
            self.write(name, text)?;
        }
        Ok(self.path.join(files[0].0))
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
