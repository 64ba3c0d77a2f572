//! Methods of a map.

use std::sync::Arc;

use typhon_core::buffer;
use typhon_core::builtins::exceptions as ex;
use typhon_core::number::is_index;
use typhon_core::{ArgsExt, Borrowed, Owned, PyResult, Thread};
use typhon_text::search::{find_bytes, rfind_bytes};

use super::mapping;
use super::{Access, Mmap, Refusal, refused};
use crate::args::this;
use crate::support::{self, blocking, c_int, c_int_or};

/// Where a `start` or `end` argument points to in `len` bytes.
fn clip(at: isize, len: usize) -> usize {
    let at = if at < 0 { at.saturating_add(len as isize).max(0) } else { at };
    (at as usize).min(len)
}

fn optional_index(th: &mut Thread, v: Option<Borrowed<'_>>) -> PyResult<Option<isize>> {
    v.map(|v| v.to_isize_clipped(th)).transpose()
}

pub fn find(th: &mut Thread, a: &[Borrowed<'_>], last: bool) -> PyResult {
    let m: &Mmap = this(a[0]);
    let wanted = buffer::bytes_like(th, a[1])?;
    let (start, end) = (optional_index(th, a.some(2))?, optional_index(th, a.some(3))?);
    let found = m.with(th, |open| {
        let len = open.map.len();
        let start = start.map_or(open.pos.min(len), |at| clip(at, len));
        let end = end.map_or(len, |at| clip(at, len));
        if start > end {
            return Ok(None);
        }
        let bytes = open.map.look(start, end);
        let at = if last { rfind_bytes(bytes, &wanted) } else { find_bytes(bytes, &wanted) };
        Ok(at.map(|at| start + at))
    })?;
    Ok(th.new_int(found.map_or(-1, |at| at as i64)))
}

pub fn flush(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let offset = a.opt(1).map_or(Ok(0), |v| v.to_isize(th))?;
    let size = a.opt(2).map_or(Ok(-1), |v| v.to_isize(th))?;
    let (map, offset, size) = m.with(th, |open| {
        let len = open.map.len();
        let span = usize::try_from(offset).ok().filter(|at| *at <= len).and_then(|at| {
            let n = if size == -1 { len - at } else { usize::try_from(size).ok()? };
            (n <= len - at).then_some((at, n))
        });
        match span {
            Some((at, n)) => Ok((Arc::clone(&open.map), at, n)),
            None => refused(&ex::VALUE_ERROR, "flush values out of range"),
        }
    })?;
    // Nothing of these belongs to the file.
    if matches!(m.settings.0.access, Access::Read | Access::Copy) {
        return Ok(Owned::none());
    }
    let done = blocking(th, || {
        let done = map.sync(offset, size, libc::MS_SYNC);
        drop(map);
        done
    });
    done.map_err(|e| support::os_error(th, e))?;
    Ok(Owned::none())
}

pub fn madvise(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let option = c_int(th, a[1])?;
    let start = a.opt(2).map_or(Ok(0), |v| v.to_isize(th))?;
    let length = a.some(3).map(|v| v.to_isize(th)).transpose()?;
    let (map, start, length) = m.with(th, |open| {
        let len = open.map.len();
        let Some(at) = usize::try_from(start).ok().filter(|at| *at < len) else {
            return refused(&ex::VALUE_ERROR, "madvise start out of bounds");
        };
        let n = match length.map(usize::try_from) {
            None => len - at,
            Some(Ok(n)) if n > isize::MAX as usize - at => {
                return refused(&ex::OVERFLOW_ERROR, "madvise length too large");
            }
            Some(Ok(n)) => n.min(len - at),
            Some(Err(_)) => return refused(&ex::VALUE_ERROR, "madvise length invalid"),
        };
        Ok((Arc::clone(&open.map), at, n))
    })?;
    let done = blocking(th, || {
        let done = map.advise(start, length, option);
        drop(map);
        done
    });
    done.map_err(|e| support::os_error(th, e))?;
    Ok(Owned::none())
}

pub fn move_(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let mut numbers = [0; 3];
    for (n, v) in numbers.iter_mut().zip(&a[1..]) {
        *n = v.to_isize(th)?;
    }
    m.with_writable(th, |open| {
        let len = open.map.len();
        match numbers.map(usize::try_from) {
            [Ok(to), Ok(from), Ok(n)] if to <= len && from <= len && n <= len - to && n <= len - from => {
                open.map.copy_within(from, to, n);
                Ok(())
            }
            _ => refused(&ex::VALUE_ERROR, "source, destination, or count out of range"),
        }
    })?;
    Ok(Owned::none())
}

pub fn read(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let most = match a.some(1) {
        Some(v) if is_index(v) => v.to_isize(th)?,
        Some(v) => {
            let msg = format!("argument should be integer or None, not '{}'", v.type_name(th));
            return Err(th.type_error(&msg));
        }
        None => -1,
    };
    let bytes = m.with(th, |open| {
        let at = open.pos.min(open.map.len());
        let left = open.map.len() - at;
        let n = usize::try_from(most).map_or(left, |most| most.min(left));
        open.pos += n;
        Ok(open.map.read(at, n))
    })?;
    Ok(th.new_bytes(&bytes))
}

pub fn read_byte(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let byte = this::<Mmap>(a[0]).with(th, |open| {
        if open.pos >= open.map.len() {
            return refused(&ex::VALUE_ERROR, "read byte out of range");
        }
        open.pos += 1;
        Ok(open.map.get(open.pos - 1))
    })?;
    Ok(th.new_int(i64::from(byte)))
}

pub fn readline(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let line = this::<Mmap>(a[0]).with(th, |open| {
        let len = open.map.len();
        let at = open.pos.min(len);
        let n = memchr::memchr(b'\n', open.map.look(at, len)).map_or(len - at, |i| i + 1);
        open.pos = at + n;
        Ok(open.map.read(at, n))
    })?;
    Ok(th.new_bytes(&line))
}

pub fn resize(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let size = a[1].to_isize(th)?;
    let settings = &m.settings.0;
    m.with(th, |open| {
        if m.is_lent() {
            return refused(&ex::BUFFER_ERROR, "mmap can't resize with extant buffers exported.");
        }
        if !matches!(settings.access, Access::Write | Access::Default) {
            return refused(&ex::TYPE_ERROR, "mmap can't resize a readonly or copy-on-write memory map.");
        }
        if !settings.trackfd {
            return refused(&ex::VALUE_ERROR, "mmap can't resize with trackfd=False.");
        }
        let end = i64::try_from(size).ok().and_then(|size| size.checked_add(settings.offset));
        let (Ok(new), Some(end)) = (usize::try_from(size), end) else {
            return refused(&ex::VALUE_ERROR, "new size out of range");
        };
        if open.fd.is_none() && settings.flags & libc::MAP_SHARED != 0 && new > open.map.len() {
            return refused(&ex::VALUE_ERROR, "mmap: can't expand a shared anonymous mapping");
        }
        if new == 0 {
            return Err(Refusal::System(libc::EINVAL));
        }
        let Some(map) = Arc::get_mut(&mut open.map) else {
            return refused(&ex::BUFFER_ERROR, "mmap can't resize while another thread flushes it.");
        };
        if let Some(fd) = &open.fd {
            mapping::truncate(fd, end).map_err(Refusal::System)?;
        }
        map.resize(new).map_err(Refusal::System)
    })?;
    Ok(Owned::none())
}

pub fn seek(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let distance = a[1].to_isize(th)?;
    let whence = c_int_or(th, a.opt(2), 0)?;
    let pos = this::<Mmap>(a[0]).with(th, |open| {
        let len = open.map.len();
        let from = match whence {
            0 => 0,
            1 => open.pos,
            2 => len,
            _ => return refused(&ex::VALUE_ERROR, "unknown seek type"),
        };
        match from.checked_add_signed(distance).filter(|at| *at <= len) {
            Some(at) => {
                open.pos = at;
                Ok(at)
            }
            None => refused(&ex::VALUE_ERROR, "seek out of range"),
        }
    })?;
    Ok(th.new_int(pos as i64))
}

pub fn size(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let trackfd = m.settings.0.trackfd;
    let size = m.with(th, |open| match &open.fd {
        Some(fd) => mapping::any_size(fd).map_err(Refusal::System),
        None if trackfd => Ok(open.map.len() as i64),
        None => Err(Refusal::System(libc::EBADF)),
    })?;
    Ok(th.new_int(size))
}

pub fn tell(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let pos = this::<Mmap>(a[0]).with(th, |open| Ok(open.pos))?;
    Ok(th.new_int(pos as i64))
}

pub fn write(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let m: &Mmap = this(a[0]);
    let data = buffer::bytes_like(th, a[1])?;
    m.with_writable(th, |open| {
        let len = open.map.len();
        if open.pos > len || data.len() > len - open.pos {
            return refused(&ex::VALUE_ERROR, "data out of range");
        }
        open.map.write(open.pos, &data);
        open.pos += data.len();
        Ok(())
    })?;
    Ok(th.new_int(data.len() as i64))
}

pub fn write_byte(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let n = a[1].index(th)?;
    let Ok(byte) = u8::try_from(n.borrow().to_isize_clipped(th)?) else {
        let negative = n.borrow().as_int().is_some_and(|n| n.is_negative());
        let end = if negative { "less than minimum" } else { "greater than maximum" };
        return Err(th.overflow_error(&format!("unsigned byte integer is {end}")));
    };
    this::<Mmap>(a[0]).with_writable(th, |open| {
        if open.pos >= open.map.len() {
            return refused(&ex::VALUE_ERROR, "write byte out of range");
        }
        open.map.set(open.pos, byte);
        open.pos += 1;
        Ok(())
    })?;
    Ok(Owned::none())
}
