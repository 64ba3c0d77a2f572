//! Where a pickle's bytes come from, and the frames that they stand in.

use core::ops::Range;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::builtins::exceptions as ex;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread};

use super::unpickling_error;

/// Where the bytes come from.
pub enum Source {
    /// All of them.
    Bytes(Vec<u8>),
    /// The methods of a file.
    File { read: Owned, readline: Owned },
}

/// What was read last, as a whole or as a frame, and how far it was used.
pub struct Input {
    source: Source,
    data: Vec<u8>,
    at: usize,
    /// End of the frame, or of `data`.
    limit: usize,
    in_frame: bool,
}

impl Input {
    pub fn new(source: Source) -> Input {
        let (source, data) = match source {
            Source::Bytes(bytes) => (Source::Bytes(Vec::new()), bytes),
            file => (file, Vec::new()),
        };
        Input { source, limit: data.len(), data, at: 0, in_frame: false }
    }

    /// The bytes at a place that [`Input::take`] gave.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.data[range]
    }

    /// `n` more bytes, as a place in `data`.
    #[inline]
    pub(super) fn take(&mut self, th: &mut Thread, n: usize) -> PyResult<Range<usize>> {
        if self.limit - self.at < n {
            self.more(th, n)?;
        }
        self.at += n;
        Ok(self.at - n..self.at)
    }

    /// Sees to it that `n` bytes follow: after the end of a frame, or from the file. Errors: UnpicklingError.
    #[cold]
    fn more(&mut self, th: &mut Thread, n: usize) -> PyResult<()> {
        self.leave_frame(th)?;
        if self.limit - self.at >= n {
            return Ok(());
        }
        let Source::File { read, .. } = &self.source else { return Err(truncated(th)) };
        let (read, count) = (read.clone(), th.new_int(n as i64));
        let got = read.borrow().call(th, &[count.borrow()])?;
        self.data = bytes_of(th, got.borrow(), "read() returned non-bytes object")?;
        (self.at, self.limit) = (0, self.data.len());
        if self.limit < n { Err(truncated(th)) } else { Ok(()) }
    }

    /// Ends the frame that is used up. Errors: UnpicklingError if something is left of it.
    fn leave_frame(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.in_frame && self.at < self.limit {
            return Err(unpickling_error(th, "pickle exhausted before end of frame"));
        }
        self.in_frame = false;
        self.limit = self.data.len();
        Ok(())
    }

    /// A line, without its end.
    pub(super) fn line(&mut self, th: &mut Thread) -> PyResult<Vec<u8>> {
        loop {
            let rest = &self.data[self.at..self.limit];
            if let Some(end) = rest.iter().position(|&b| b == b'\n') {
                let line = rest[..end].to_vec();
                self.at += end + 1;
                return Ok(line);
            }
            if !self.in_frame {
                break;
            }
            self.leave_frame(th)?;
        }
        let Source::File { readline, .. } = &self.source else { return Err(truncated(th)) };
        let got = readline.clone().borrow().call(th, &[])?;
        let mut line = bytes_of(th, got.borrow(), "readline() returned non-bytes object")?;
        if line.pop() != Some(b'\n') {
            return Err(truncated(th));
        }
        Ok(line)
    }

    /// The next instruction. Errors: EOFError if there is none.
    #[inline]
    pub(super) fn instruction(&mut self, th: &mut Thread) -> PyResult<u8> {
        if self.at == self.limit {
            self.next_part(th)?;
        }
        self.at += 1;
        Ok(self.data[self.at - 1])
    }

    #[cold]
    fn next_part(&mut self, th: &mut Thread) -> PyResult<()> {
        self.leave_frame(th)?;
        if self.at < self.limit {
            return Ok(());
        }
        if let Source::File { read, .. } = &self.source {
            let (read, count) = (read.clone(), th.new_int(1));
            let got = read.borrow().call(th, &[count.borrow()])?;
            self.data = bytes_of(th, got.borrow(), "read() returned non-bytes object")?;
            (self.at, self.limit) = (0, self.data.len());
        }
        if self.at < self.limit { Ok(()) } else { Err(th.raise(&ex::EOF_ERROR, "Ran out of input")) }
    }

    pub(super) fn byte(&mut self, th: &mut Thread) -> PyResult<u8> {
        let range = self.take(th, 1)?;
        Ok(self.data[range.start])
    }

    /// An unsigned number of `N` bytes, last one first.
    #[inline]
    pub(super) fn number<const N: usize>(&mut self, th: &mut Thread) -> PyResult<u64> {
        let range = self.take(th, N)?;
        let mut bytes = [0; 8];
        bytes[..N].copy_from_slice(&self.data[range]);
        Ok(u64::from_le_bytes(bytes))
    }

    /// As [`Machine::number`], as the size of what follows.
    #[inline]
    pub(super) fn size<const N: usize>(&mut self, th: &mut Thread, what: &str) -> PyResult<usize> {
        let size = self.number::<N>(th)?;
        if size > isize::MAX as u64 {
            let msg = format!("{what} exceeds system's maximum size of {} bytes", isize::MAX);
            return Err(th.overflow_error(&msg));
        }
        Ok(size as usize)
    }

    /// A frame begins: its bytes are read at once.
    pub(super) fn frame(&mut self, th: &mut Thread) -> PyResult<()> {
        let n = self.size::<8>(th, "FRAME length")?;
        if self.in_frame && self.at < self.limit {
            return Err(unpickling_error(th, "beginning of a new frame before end of current frame"));
        }
        let range = self.take(th, n)?;
        (self.at, self.limit) = (range.start, range.end);
        self.in_frame = true;
        Ok(())
    }
}

#[cold]
pub(super) fn truncated(th: &mut Thread) -> Raised {
    unpickling_error(th, "pickle data was truncated")
}

/// The bytes of what a file's method gave.
pub(super) fn bytes_of(th: &mut Thread, o: Borrowed<'_>, msg: &str) -> PyResult<Vec<u8>> {
    match o.downcast::<Bytes>() {
        Some(b) => Ok(b.as_bytes().to_vec()),
        None => Err(th.type_error(msg)),
    }
}
