//! The bytes of a pickle under construction, in frames from protocol 4 on.

use super::opcode as op;

/// Bytes after which a frame ends.
const FRAME_TARGET: usize = 64 * 1024;
/// Shorter frames get no header.
const FRAME_LEAST: usize = 4;
/// A FRAME instruction.
const HEADER: usize = 9;

/// Bytes written, and where the present frame begins.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
    /// Place of the header of the frame that is open.
    frame: Option<usize>,
    pub framing: bool,
    /// Where a file gets a write of its own: the ends of frames, and of large data.
    cuts: Vec<usize>,
}

impl Writer {
    /// Writes one instruction, or a part of one that the others follow at once.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.open();
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    fn open(&mut self) {
        if self.framing && self.frame.is_none() {
            self.frame = Some(self.bytes.len());
            self.bytes.extend_from_slice(&[0; HEADER]);
        }
    }

    /// Between two objects: ends the frame if it is long enough.
    #[inline]
    pub fn between(&mut self) {
        if let Some(at) = self.frame
            && self.bytes.len() - at - HEADER >= FRAME_TARGET
        {
            self.close();
        }
    }

    /// Ends the frame.
    pub fn close(&mut self) {
        let Some(at) = self.frame.take() else { return };
        self.cuts.push(at);
        let len = self.bytes.len() - at - HEADER;
        if len < FRAME_LEAST {
            self.bytes.drain(at..at + HEADER);
            return;
        }
        self.bytes[at] = op::FRAME;
        self.bytes[at + 1..at + HEADER].copy_from_slice(&(len as u64).to_le_bytes());
    }

    /// Writes an instruction with much data; too much of it stands outside of frames.
    pub fn put_large(&mut self, header: &[u8], data: &[u8]) {
        if !self.framing || data.len() < FRAME_TARGET {
            self.put(header);
            self.bytes.extend_from_slice(data);
            return;
        }
        self.close();
        self.cuts.push(self.bytes.len());
        self.bytes.extend_from_slice(header);
        self.cuts.push(self.bytes.len());
        self.bytes.extend_from_slice(data);
        self.cuts.push(self.bytes.len());
    }

    /// The parts that a file gets one after the other.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.cuts.iter().copied().chain([self.bytes.len()]);
        let mut from = 0;
        ends.filter_map(move |end| {
            let part = &self.bytes[from..end];
            from = end;
            (!part.is_empty()).then_some(part)
        })
    }
}
