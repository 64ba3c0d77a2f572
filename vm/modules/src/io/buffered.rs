//! What `BufferedReader`, `BufferedWriter` and `BufferedRandom` share: a raw stream, bytes read ahead, bytes
//! waiting to be written.
//!
//! Invariant: never both bytes read ahead and bytes to write. A read first writes what waits; a write first
//! moves the raw stream back to where the reader stands.
//!
//! When the raw stream is exactly a [`FileIo`], system calls go straight to its descriptor; any other raw
//! stream is called as a Python object.

use std::time::Instant;

use typhon_core::builtins::bytes::Bytes;
use typhon_core::{Borrowed, Owned, PyResult, Raised, Thread, Trace, Word};

use super::base;
use super::fileio::{self, FileIo};
use super::lock::{Guarded, IoGuard, IoLock};

/// The common part of the buffered types.
pub struct Buffered {
    lock: IoLock,
    state: Guarded<State>,
    pub readable: bool,
    pub writable: bool,
}

/// What the lock guards.
pub struct State {
    raw: Option<Owned>,
    /// Bytes read ahead; those before `at` are used up.
    ahead: Vec<u8>,
    at: usize,
    /// Bytes to write.
    pending: Vec<u8>,
    size: usize,
    /// Position of the raw stream, if known.
    raw_pos: Option<i64>,
    initialized: bool,
    detached: bool,
}

impl Trace for State {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.raw.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.raw.clear(drop)
    }
}

impl Trace for Buffered {
    fn trace(&self, visit: &mut dyn FnMut(Word)) {
        self.state.trace(visit)
    }
    fn clear(&mut self, drop: &mut dyn FnMut(Word)) {
        self.state.clear(drop)
    }
}

/// A stream with its lock held: every operation on the buffer is a method of this.
pub struct Open<'a> {
    core: &'a Buffered,
    guard: IoGuard<'a>,
    raw: Owned,
    /// The descriptor's stream, when the raw stream is exactly ours.
    native: bool,
}

impl Buffered {
    pub fn new(readable: bool, writable: bool) -> Buffered {
        Buffered {
            lock: IoLock::new(),
            state: Guarded::new(State {
                raw: None,
                ahead: Vec::new(),
                at: 0,
                pending: Vec::new(),
                size: 0,
                raw_pos: None,
                initialized: false,
                detached: false,
            }),
            readable,
            writable,
        }
    }

    /// `__init__`: takes a raw stream. Errors: ValueError.
    pub fn start(&self, th: &mut Thread, this: Borrowed<'_>, raw: Borrowed<'_>, size: isize) -> PyResult<()> {
        if size <= 0 {
            return Err(th.value_error("buffer size must be strictly positive"));
        }
        th.check_size(size as usize)?;
        let mut guard = self.lock.enter(th, this)?;
        let old = {
            let s = self.state.get(&mut guard);
            s.ahead = Vec::new();
            s.pending = Vec::new();
            s.at = 0;
            s.size = size as usize;
            s.raw_pos = None;
            s.initialized = true;
            s.detached = false;
            s.raw.replace(raw.to_owned())
        };
        drop(old);
        Ok(())
    }

    /// The raw stream. Errors: ValueError before `__init__` and after `detach`.
    pub fn raw(&self, th: &mut Thread) -> PyResult {
        let mut guard = self.lock.enter_nested(th);
        let s = self.state.get(&mut guard);
        match (&s.raw, s.detached) {
            (Some(r), _) => Ok(r.clone()),
            (None, true) => Err(th.value_error("raw stream has been detached")),
            (None, false) => Err(th.value_error("I/O operation on uninitialized object")),
        }
    }

    /// Takes the lock.
    pub fn open(&self, th: &mut Thread, this: Borrowed<'_>) -> PyResult<Open<'_>> {
        let raw = self.raw(th)?;
        let guard = self.lock.enter(th, this)?;
        let native = raw.borrow().downcast_exact::<FileIo>().is_some();
        Ok(Open { core: self, guard, raw, native })
    }

    /// As [`Buffered::open`]. Errors: ValueError `"{what} of closed file"` too.
    pub fn open_checked(&self, th: &mut Thread, this: Borrowed<'_>, what: &str) -> PyResult<Open<'_>> {
        let b = self.open(th, this)?;
        if b.is_closed(th)? {
            return Err(th.value_error(&format!("{what} of closed file")));
        }
        Ok(b)
    }

    /// Is the stream closed? Without taking the lock. Errors: ValueError without a raw stream.
    pub fn open_state(&self, th: &mut Thread) -> PyResult<bool> {
        let raw = self.raw(th)?;
        match raw.borrow().downcast_exact::<FileIo>() {
            Some(f) => Ok(f.fd() < 0),
            None => base::is_closed(th, raw.borrow()),
        }
    }

    /// Takes the lock alone, if that is possible in time.
    pub fn enter_before(&self, th: &mut Thread, limit: Instant) -> Option<IoGuard<'_>> {
        self.lock.enter_before(th, limit)
    }

    /// Takes the raw stream out; the buffer is unusable then.
    pub fn detach(&self, th: &mut Thread) -> Option<Owned> {
        let mut guard = self.lock.enter_nested(th);
        let s = self.state.get(&mut guard);
        s.detached = true;
        s.raw.take()
    }
}

impl<'a> Open<'a> {
    #[inline]
    fn s(&mut self) -> &mut State {
        self.core.state.get(&mut self.guard)
    }

    pub fn raw(&self) -> Borrowed<'_> {
        self.raw.borrow()
    }

    fn fd(&self) -> i32 {
        self.raw.borrow().downcast_exact::<FileIo>().map_or(-1, FileIo::fd)
    }

    /// Is the raw stream closed?
    pub fn is_closed(&self, th: &mut Thread) -> PyResult<bool> {
        if self.native { Ok(self.fd() < 0) } else { base::is_closed(th, self.raw.borrow()) }
    }

    /// Bytes that can be had without a system call.
    pub fn available(&mut self) -> &[u8] {
        let s = self.s();
        &s.ahead[s.at..]
    }

    fn advance(&mut self, n: usize) {
        self.s().at += n;
    }

    fn moved(&mut self, by: usize) {
        if let Some(p) = &mut self.s().raw_pos {
            *p += by as i64;
        }
    }

    /// One read of the raw stream; `None` if it would block.
    fn raw_read(&mut self, th: &mut Thread, into: &mut [u8]) -> PyResult<Option<usize>> {
        if self.native {
            let fd = self.fd();
            if fd < 0 {
                return Err(base::closed_error(th));
            }
            if !self.raw.payload::<FileIo>().is_readable() {
                return Err(base::unsupported(th, "File not open for reading"));
            }
            let n = fileio::read_fd(th, fd, into)?;
            self.moved(n.unwrap_or(0));
            return Ok(n);
        }
        let buffer = th.new_bytearray(vec![0; into.len()]);
        let view = super::memoryview(th, buffer.borrow())?;
        let r = loop {
            let r = self.raw.borrow().call_method_str(th, "readinto", &[view.borrow()]);
            match r {
                Err(raised) if super::is_interrupted(th) => {
                    drop(th.catch(raised));
                    crate::support::check_signals(th)?;
                }
                r => break r?,
            }
        };
        if r.is_none() {
            return Ok(None);
        }
        let n = match r.borrow().as_int() {
            Some(_) => r.borrow().to_i64(th)?,
            None => {
                let msg = "raw readinto() failed";
                return Err(base::os_like(th, msg));
            }
        };
        if n < 0 || n > into.len() as i64 {
            let msg = format!(
                "raw readinto() returned invalid length {n} (should have been between 0 and {})",
                into.len()
            );
            return Err(base::os_like(th, &msg));
        }
        let n = n as usize;
        let bytes = typhon_core::buffer::get(th, buffer.borrow())?;
        into[..n].copy_from_slice(&bytes[..n]);
        self.moved(n);
        Ok(Some(n))
    }

    /// One write to the raw stream; `None` if it would block.
    fn raw_write(&mut self, th: &mut Thread, bytes: &[u8]) -> PyResult<Option<usize>> {
        if self.native {
            let fd = self.fd();
            if fd < 0 {
                return Err(base::closed_error(th));
            }
            let n = fileio::write_fd(th, fd, bytes)?;
            self.moved(n.unwrap_or(0));
            return Ok(n);
        }
        let data = th.new_bytes(bytes);
        let r = loop {
            let name = th.rt.names.write.get();
            let r = self.raw.borrow().call_method(th, name, &[data.borrow()]);
            match r {
                Err(raised) if super::is_interrupted(th) => {
                    drop(th.catch(raised));
                    crate::support::check_signals(th)?;
                }
                r => break r?,
            }
        };
        if r.is_none() {
            return Ok(None);
        }
        let n = r.borrow().index(th)?;
        let n = n.borrow().to_i64(th)?;
        if n < 0 || n > bytes.len() as i64 {
            let msg = format!(
                "raw write() returned invalid length {n} (should have been between 0 and {})",
                bytes.len()
            );
            return Err(base::os_like(th, &msg));
        }
        self.moved(n as usize);
        Ok(Some(n as usize))
    }

    fn raw_seek(&mut self, th: &mut Thread, pos: i64, whence: i32) -> PyResult<i64> {
        let p = if self.native {
            let fd = self.fd();
            if fd < 0 {
                return Err(base::closed_error(th));
            }
            fileio::seek_fd(th, fd, pos, whence)?
        } else {
            let (pos, whence) = (th.new_int(pos), th.new_int(i64::from(whence)));
            let r = self.raw.borrow().call_method_str(th, "seek", &[pos.borrow(), whence.borrow()])?;
            let r = r.borrow().index(th)?;
            r.borrow().to_i64(th)?
        };
        if p < 0 {
            return Err(base::os_like(th, &format!("Raw stream returned invalid position {p}")));
        }
        self.s().raw_pos = Some(p);
        Ok(p)
    }

    fn raw_tell(&mut self, th: &mut Thread) -> PyResult<i64> {
        if let Some(p) = self.s().raw_pos {
            return Ok(p);
        }
        if self.native {
            return self.raw_seek(th, 0, libc::SEEK_CUR);
        }
        let r = self.raw.borrow().call_method_str(th, "tell", &[])?;
        let p = r.borrow().index(th)?;
        let p = p.borrow().to_i64(th)?;
        if p < 0 {
            return Err(base::os_like(th, &format!("Raw stream returned invalid position {p}")));
        }
        self.s().raw_pos = Some(p);
        Ok(p)
    }

    /// One write of what follows the bytes that are `done`; `None` if it would block. Errors: what a signal handler
    /// raises, too, for which a write is cut short.
    fn write_on(&mut self, th: &mut Thread, bytes: &[u8], done: &mut usize) -> PyResult<Option<()>> {
        let Some(n) = self.raw_write(th, &bytes[*done..])? else { return Ok(None) };
        *done += n;
        if *done < bytes.len() {
            crate::support::check_signals(th)?;
        }
        Ok(Some(()))
    }

    /// Writes what waits. Errors: BlockingIOError if the raw stream takes no more.
    pub fn flush_pending(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.s().pending.is_empty() {
            return Ok(());
        }
        let mut bytes = core::mem::take(&mut self.s().pending);
        let mut done = 0;
        let result = loop {
            if done == bytes.len() {
                break Ok(());
            }
            match self.write_on(th, &bytes, &mut done) {
                Ok(Some(())) => {}
                Ok(None) => break Err(blocking_error(th, 0)),
                Err(raised) => break Err(raised),
            }
        };
        bytes.drain(..done);
        // The allocation is kept for the next bytes.
        self.s().pending = bytes;
        result
    }

    /// Forgets what was read ahead and moves the raw stream to where the reader stands.
    fn rewind(&mut self, th: &mut Thread) -> PyResult<()> {
        let unread = self.available().len();
        self.s().ahead.clear();
        self.s().at = 0;
        if unread > 0 {
            self.raw_seek(th, -(unread as i64), libc::SEEK_CUR)?;
        }
        Ok(())
    }

    /// Gets ready to read: writes what waits.
    fn before_read(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.core.writable { self.flush_pending(th) } else { Ok(()) }
    }

    /// `flush()`: writes what waits, and a reader that can also write goes back to its place.
    pub fn flush(&mut self, th: &mut Thread) -> PyResult<()> {
        if self.core.writable {
            self.flush_pending(th)?;
        }
        if self.core.readable && self.core.writable {
            self.rewind(th)?;
        }
        Ok(())
    }

    /// Reads ahead once; the number of bytes, 0 at the end, `None` if that would block. All bytes read
    /// before must be used up.
    fn fill(&mut self, th: &mut Thread) -> PyResult<Option<usize>> {
        debug_assert!(self.available().is_empty());
        let s = self.s();
        let size = s.size;
        let mut buffer = core::mem::take(&mut s.ahead);
        s.at = 0;
        buffer.clear();
        buffer.resize(size, 0);
        let r = self.raw_read(th, &mut buffer);
        let n = match &r {
            Ok(Some(n)) => *n,
            _ => 0,
        };
        buffer.truncate(n);
        self.s().ahead = buffer;
        r
    }

    /// Up to `n` bytes; fewer only at the end. `None` if nothing is there and waiting is not allowed.
    pub fn read(&mut self, th: &mut Thread, n: usize) -> PyResult<Option<Vec<u8>>> {
        self.before_read(th)?;
        let have = self.available().len().min(n);
        let mut out = self.available()[..have].to_vec();
        self.advance(have);
        while out.len() < n {
            let want = n - out.len();
            let size = self.s().size;
            let got = if want >= size {
                // Whole buffers go straight to the result.
                let used = out.len();
                let step = want - want % size;
                if out.try_reserve(step).is_err() {
                    return Err(th.memory_error(""));
                }
                out.resize(used + step, 0);
                let r = self.raw_read(th, &mut out[used..]);
                let got = match &r {
                    Ok(Some(n)) => *n,
                    _ => 0,
                };
                out.truncate(used + got);
                r?
            } else {
                let r = self.fill(th)?;
                let have = self.available().len().min(want);
                let part = self.available()[..have].to_vec();
                out.extend_from_slice(&part);
                self.advance(have);
                r
            };
            match got {
                Some(0) => break,
                Some(_) => {}
                None if out.is_empty() => return Ok(None),
                None => break,
            }
        }
        Ok(Some(out))
    }

    /// Everything up to the end. `None` as in [`Open::read`].
    pub fn read_all(&mut self, th: &mut Thread) -> PyResult<Option<Vec<u8>>> {
        self.before_read(th)?;
        let mut out = self.available().to_vec();
        self.s().at = self.s().ahead.len();
        if self.native {
            let fd = self.fd();
            if fd < 0 {
                return Err(base::closed_error(th));
            }
            if !self.raw.payload::<FileIo>().is_readable() {
                return Err(base::unsupported(th, "File not open for reading"));
            }
            self.s().raw_pos = None;
            let complete = fileio::read_all_fd(th, fd, &mut out)?;
            return Ok(if complete || !out.is_empty() { Some(out) } else { None });
        }
        self.s().raw_pos = None;
        let readall = th.intern("readall");
        if let Some(m) = self.raw.borrow().getattr_opt(th, readall.borrow())? {
            let r = m.borrow().call(th, &[])?;
            if r.is_none() {
                return Ok(if out.is_empty() { None } else { Some(out) });
            }
            let Some(b) = r.downcast::<Bytes>() else {
                return Err(th.type_error("readall() should return bytes"));
            };
            out.extend_from_slice(b.as_bytes());
            return Ok(Some(out));
        }
        loop {
            let name = th.rt.names.read.get();
            let r = self.raw.borrow().call_method(th, name, &[])?;
            if r.is_none() {
                return Ok(if out.is_empty() { None } else { Some(out) });
            }
            let Some(b) = r.downcast::<Bytes>() else {
                return Err(th.type_error("read() should return bytes"));
            };
            if b.is_empty() {
                return Ok(Some(out));
            }
            out.extend_from_slice(b.as_bytes());
        }
    }

    /// At most `n` bytes with at most one read of the raw stream.
    pub fn read1(&mut self, th: &mut Thread, n: usize) -> PyResult<Vec<u8>> {
        self.before_read(th)?;
        let have = self.available().len();
        if have > 0 {
            let n = n.min(have);
            let out = self.available()[..n].to_vec();
            self.advance(n);
            return Ok(out);
        }
        th.check_size(n)?;
        let mut out = vec![0; n];
        let got = self.raw_read(th, &mut out)?.unwrap_or(0);
        out.truncate(got);
        Ok(out)
    }

    /// At most `n` bytes from the buffer, which is filled by one read if it is empty.
    pub fn chunk(&mut self, th: &mut Thread, n: usize) -> PyResult<Vec<u8>> {
        self.before_read(th)?;
        if self.available().is_empty() {
            self.fill(th)?;
        }
        let n = self.available().len().min(n);
        let out = self.available()[..n].to_vec();
        self.advance(n);
        Ok(out)
    }

    /// Fills `into`; with `once` at most one read of the raw stream. `None` as in [`Open::read`].
    pub fn read_into(&mut self, th: &mut Thread, into: &mut [u8], once: bool) -> PyResult<Option<usize>> {
        self.before_read(th)?;
        let mut done = self.available().len().min(into.len());
        into[..done].copy_from_slice(&self.available()[..done]);
        self.advance(done);
        if once && done > 0 {
            return Ok(Some(done));
        }
        while done < into.len() {
            let size = self.s().size;
            let got = if into.len() - done >= size {
                let got = self.raw_read(th, &mut into[done..])?;
                done += got.unwrap_or(0);
                got
            } else {
                let got = self.fill(th)?;
                let n = self.available().len().min(into.len() - done);
                into[done..done + n].copy_from_slice(&self.available()[..n]);
                self.advance(n);
                done += n;
                got
            };
            match got {
                Some(0) => break,
                None if done == 0 => return Ok(None),
                None => break,
                Some(_) if once => break,
                Some(_) => {}
            }
        }
        Ok(Some(done))
    }

    /// Bytes that wait in the buffer, read once if there are none.
    pub fn peek(&mut self, th: &mut Thread) -> PyResult<Vec<u8>> {
        self.before_read(th)?;
        if self.available().is_empty() {
            self.fill(th)?;
        }
        Ok(self.available().to_vec())
    }

    /// A line with its end, at most `limit` bytes, made a bytes object.
    pub fn read_line(&mut self, th: &mut Thread, limit: usize) -> PyResult {
        if self.core.writable {
            self.flush_pending(th)?;
        }
        let mut out: Vec<u8> = Vec::new();
        loop {
            let room = limit - out.len();
            let have = self.available();
            let have = &have[..have.len().min(room)];
            let end = memchr::memchr(b'\n', have).map(|i| i + 1);
            let n = end.unwrap_or(have.len());
            if out.is_empty() && (end.is_some() || n == limit) {
                // The common case: one copy, from the buffer into the object.
                let s = self.core.state.get(&mut self.guard);
                let line = th.new_bytes(&s.ahead[s.at..s.at + n]);
                s.at += n;
                return Ok(line);
            }
            out.extend_from_slice(&have[..n]);
            self.advance(n);
            if end.is_some() || out.len() == limit {
                break;
            }
            if !matches!(self.fill(th)?, Some(1..)) {
                break;
            }
        }
        Ok(th.new_bytes(&out))
    }

    /// Takes bytes to write: buffered if they fit, else written through. The number taken, which is all.
    pub fn write(&mut self, th: &mut Thread, bytes: &[u8]) -> PyResult<usize> {
        if self.core.readable {
            self.rewind(th)?;
        }
        let s = self.s();
        if s.pending.len() + bytes.len() <= s.size {
            if s.pending.capacity() == 0 {
                s.pending.reserve_exact(s.size);
            }
            s.pending.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        if let Err(raised) = self.flush_pending(th) {
            if !super::is_blocking_error(th) {
                return Err(raised);
            }
            // The stream is full: keep what still fits and say how much that was.
            let s = self.s();
            let room = s.size.saturating_sub(s.pending.len()).min(bytes.len());
            s.pending.extend_from_slice(&bytes[..room]);
            if room == bytes.len() {
                drop(th.catch(raised));
                return Ok(room);
            }
            drop(th.catch(raised));
            return Err(blocking_error(th, room));
        }
        let mut done = 0;
        let size = self.s().size;
        while bytes.len() - done > size {
            match self.write_on(th, bytes, &mut done)? {
                Some(()) => {}
                None => {
                    let room = size.min(bytes.len() - done);
                    self.s().pending.extend_from_slice(&bytes[done..done + room]);
                    return Err(blocking_error(th, done + room));
                }
            }
        }
        self.s().pending.extend_from_slice(&bytes[done..]);
        Ok(bytes.len())
    }

    /// Position of the reader or writer.
    pub fn tell(&mut self, th: &mut Thread) -> PyResult<i64> {
        let p = self.raw_tell(th)?;
        let s = self.s();
        let p = p - (s.ahead.len() - s.at) as i64 + s.pending.len() as i64;
        if p < 0 {
            // Somebody moved the raw stream behind our back.
            self.s().raw_pos = None;
            let p = self.raw_tell(th)?;
            let s = self.s();
            return Ok((p - (s.ahead.len() - s.at) as i64 + s.pending.len() as i64).max(0));
        }
        Ok(p)
    }

    /// `seek()`: inside the bytes read ahead without a system call.
    pub fn seek(&mut self, th: &mut Thread, target: i64, whence: i32) -> PyResult<i64> {
        if whence != libc::SEEK_END
            && self.core.readable
            && self.s().pending.is_empty()
            && !self.available().is_empty()
        {
            let raw = self.raw_tell(th)?;
            let s = self.s();
            let here = raw - (s.ahead.len() - s.at) as i64;
            let to = if whence == libc::SEEK_SET { target } else { here + target };
            let start = raw - s.ahead.len() as i64;
            if to >= start && to <= raw {
                s.at = (to - start) as usize;
                return Ok(to);
            }
        }
        self.flush_pending(th)?;
        let mut target = target;
        if whence == libc::SEEK_CUR {
            target -= self.available().len() as i64;
        }
        let p = self.raw_seek(th, target, whence)?;
        let s = self.s();
        s.ahead.clear();
        s.at = 0;
        Ok(p)
    }
}

/// Raises `BlockingIOError(EAGAIN, "write could not complete without blocking", written)`.
#[cold]
fn blocking_error(th: &mut Thread, written: usize) -> Raised {
    let class = crate::support::builtin(th, "BlockingIOError");
    let number = th.new_int(i64::from(libc::EAGAIN));
    let text = th.new_str("write could not complete without blocking");
    let written = th.new_int(written as i64);
    match class.borrow().call(th, &[number.borrow(), text.borrow(), written.borrow()]) {
        Ok(exc) => th.set_exc(exc),
        Err(raised) => raised,
    }
}
