//! The file behind the boxes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file or a pipe that grows by whole pieces.
pub(super) struct Output {
    file: File,
    path: PathBuf,
    /// Whether what was written can be changed. Not so for a pipe.
    seekable: bool,
    written: u64,
}

impl Output {
    /// A new file, or what was there, emptied.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let file =
            File::create(path).map_err(|source| Error::Create { path: path.to_owned(), source })?;
        let seekable = file.metadata().is_ok_and(|metadata| metadata.is_file());
        Ok(Self { file, path: path.to_owned(), seekable, written: 0 })
    }

    /// A pipe, called `name` in errors. Nothing written to it changes afterwards.
    pub(super) fn pipe(file: File, name: &str) -> Self {
        Self { file, path: name.into(), seekable: false, written: 0 }
    }

    /// Bytes so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Whether [`patch`](Self::patch) does anything.
    pub(super) fn seekable(&self) -> bool {
        self.seekable
    }

    /// Writes all of `bytes` at the end, or none of them where the file can shrink again.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let done = self.file.write_all(bytes);
        if done.is_ok() {
            self.written += bytes.len() as u64;
        } else if self.seekable {
            // Best effort: a reader drops half a piece at the end as well.
            let _ = self.file.set_len(self.written);
        }
        done.map_err(|source| self.error(source))
    }

    /// Writes a fragment so that it is there as a whole or not at all, wherever the process is
    /// killed: as a `free` box, which readers pass over even when it is cut off, and then by its
    /// real name. (FFmpeg refuses a file that ends within a `moof`.)
    pub(super) fn append_fragment(&mut self, fragment: &mut [u8]) -> Result<(), Error> {
        if !self.seekable {
            return self.append(fragment);
        }
        let name_at = self.written + 4;
        fragment[4..8].copy_from_slice(b"free");
        self.append(fragment)?;
        self.patch(name_at, b"moof")
    }

    /// Changes bytes that were written, where that is possible.
    pub(super) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if !self.seekable {
            return Ok(());
        }
        self.file.write_all_at(bytes, at).map_err(|source| self.error(source))
    }

    /// Removes a file into which nothing was written.
    pub(super) fn discard(&mut self) -> Result<(), Error> {
        if !self.seekable {
            return Ok(());
        }
        fs::remove_file(&self.path).map_err(|source| self.error(source))
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), written: self.written, source }
    }
}
