//! The constants of one code object, each once.

use std::hash::{Hash, Hasher};

use crate::{
    code::Const,
    hash::{Fx, FxMap},
};

/// Constants in the order of their first use.
#[derive(Default)]
pub(crate) struct Consts {
    list: Vec<Const>,
    index: FxMap<u64, Vec<u32>>,
}

impl Consts {
    pub(crate) fn add(&mut self, value: Const) -> u32 {
        let digest = digest(&value);
        let candidates = self.index.entry(digest).or_default();
        if let Some(&at) = candidates.iter().find(|&&at| self.list[at as usize].same(&value)) {
            return at;
        }
        let at = self.list.len() as u32;
        self.list.push(value);
        candidates.push(at);
        at
    }

    pub(crate) fn get(&self, at: u32) -> &Const {
        &self.list[at as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn into_vec(self) -> Vec<Const> {
        self.list
    }
}

fn digest(value: &Const) -> u64 {
    let mut state = Fx::default();
    feed(value, &mut state);
    state.finish()
}

fn feed(value: &Const, state: &mut Fx) {
    std::mem::discriminant(value).hash(state);
    match value {
        Const::None | Const::True | Const::False | Const::Ellipsis => {}
        Const::Int(n) => n.hash(state),
        Const::BigInt(digits) => digits.hash(state),
        Const::Float(x) => x.to_bits().hash(state),
        Const::Complex(re, im) => (re.to_bits(), im.to_bits()).hash(state),
        Const::Str(text) => text.hash(state),
        Const::Bytes(bytes) => bytes.hash(state),
        Const::Tuple(items) | Const::FrozenSet(items) => items.iter().for_each(|item| feed(item, state)),
        Const::Slice(parts) => parts.iter().for_each(|part| feed(part, state)),
        Const::Code(code) => (code.firstlineno, &code.name).hash(state),
    }
}
