//! Signatures of native functions: parsed once from their text, then used to bind arguments.
//!
//! `"($self, x, y=0, /, *rest, key=None, **options)"` binds to one word per parameter, in that order:
//! [`Word::NULL`] where an optional argument was not given, a tuple for `*rest`, a dict or null for
//! `**options`. A leading `$module` is not a parameter.
//!
//! Cost: a positional call that fills every parameter binds to the caller's own slice.

use core::cell::Cell;
use core::mem::MaybeUninit;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use typhon_sync::prim::{AtomicPtr, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::builtins::dict::Dict;
use crate::builtins::str::Str;
use crate::intern::Fnv;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::Args;
use crate::thread::Thread;
use crate::typedef::{BoundFn, NativeCall, NativeDef};
use crate::word::Word;

/// One named parameter.
#[derive(Debug)]
struct Param {
    name: &'static str,
    required: bool,
    /// The interned name, once somebody passed a keyword.
    word: AtomicU64,
}

impl Param {
    fn word(&self, th: &mut Thread) -> Word {
        // ORDERING Relaxed: interning gives the same word every time.
        let w = self.word.load(Ordering::Relaxed);
        if w != 0 {
            return Word(w);
        }
        let w = th.intern(self.name).into_raw();
        self.word.store(w.0, Ordering::Relaxed);
        w
    }
}

/// A parsed signature.
#[derive(Debug)]
pub struct Params {
    /// How messages name the function: `"list.append"`, `"math.sqrt"`, `"print"`.
    display: String,
    /// Bare name, for messages about keywords.
    name: &'static str,
    /// Positional parameters, then keyword-only ones.
    params: Vec<Param>,
    /// How many leading parameters cannot be given by name.
    n_positional_only: usize,
    n_positional: usize,
    /// Positional parameters without a default.
    n_required: usize,
    /// Is the first parameter `self` or the class (not counted in messages)?
    pub has_self: bool,
    varargs: bool,
    varkw: bool,
    /// Words that the function sees.
    len: usize,
    /// `len` positional-only or ordinary parameters and nothing else.
    plain: bool,
    /// What a [`Direct`] of the function holds; 0 if its calls must be bound.
    direct: u64,
}

/// A signature that is parsed when somebody first needs it: most natives are never called.
pub struct LazyParams(AtomicPtr<Params>);

crate::holds_no_references!(LazyParams);

impl LazyParams {
    pub const fn new() -> LazyParams {
        LazyParams(AtomicPtr::new(core::ptr::null_mut()))
    }

    pub fn known(params: &'static Params) -> LazyParams {
        LazyParams(AtomicPtr::new(params as *const Params as *mut Params))
    }

    /// The signature of `def`, called `display` in messages.
    #[inline(always)]
    pub fn get(
        &self,
        def: &'static NativeDef,
        method: bool,
        display: impl FnOnce() -> String,
    ) -> &'static Params {
        // ORDERING Acquire: pairs with the Release below.
        let p = self.0.load(Ordering::Acquire);
        if !p.is_null() {
            // SAFETY: leaked below, never changed.
            return unsafe { &*p };
        }
        self.parse(def, method, display())
    }

    #[cold]
    fn parse(&self, def: &'static NativeDef, method: bool, display: String) -> &'static Params {
        let p = Params::of(def, display, method);
        // ORDERING Release: publishes the signature. Two threads may parse at once; either is right.
        self.0.store(p as *const Params as *mut Params, Ordering::Release);
        p
    }
}

impl Default for LazyParams {
    fn default() -> Self {
        LazyParams::new()
    }
}

/// The native function itself, for positional calls that need no binding but empty words at the end: learned in
/// the first such call, or at the birth of a bound one. From the top: 4 bits each for the fewest arguments, the most,
/// and the words that the function sees, and its address below; 0 = not known.
pub struct Direct(AtomicU64);

crate::holds_no_references!(Direct);

/// A call that a [`Direct`] has found to suit it.
#[derive(Clone, Copy)]
pub struct DirectCall(u64);

impl Direct {
    const ADDRESS: u64 = (1 << 52) - 1;

    pub const fn unknown() -> Direct {
        Direct(AtomicU64::new(0))
    }

    /// How to call it with `n` arguments. `None`: they must be bound.
    #[inline(always)]
    pub fn for_count(&self, n: u64) -> Option<DirectCall> {
        // ORDERING Relaxed: the word is all there is; code never goes away.
        let word = self.0.load(Ordering::Relaxed);
        let (least, most) = (word >> 60, word >> 56 & 15);
        (n.wrapping_sub(least) <= most - least && word != 0).then_some(DirectCall(word))
    }

    /// The bits of the [`DirectCall`] as a word, if it is this function that is called; else [`Word::ZERO`].
    #[inline(always)]
    pub fn if_calls(&self, f: BoundFn) -> Word {
        // ORDERING Relaxed: as above.
        let word = self.0.load(Ordering::Relaxed);
        if word & Self::ADDRESS == f as *const () as u64 { Word(word) } else { Word::ZERO }
    }

    /// Notes the function that has these parameters. Cost: writes at most once, since threads share the line.
    pub fn learn(&self, params: &Params) {
        // ORDERING Relaxed: as above; all threads learn the same.
        if self.0.load(Ordering::Relaxed) != params.direct {
            self.0.store(params.direct, Ordering::Relaxed);
        }
    }
}

impl DirectCall {
    /// Most words that a function sees.
    const MOST: usize = 8;

    /// As a word for [`DirectCall::from_bits`].
    #[inline(always)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// # Safety
    /// `bits` came from [`DirectCall::bits`].
    #[inline(always)]
    pub unsafe fn from_bits(bits: u64) -> DirectCall {
        DirectCall(bits)
    }

    /// Words that the function sees.
    #[inline(always)]
    fn len(self) -> usize {
        (self.0 >> 52 & 15) as usize
    }

    /// Does the function see `n` arguments as they are?
    #[inline(always)]
    pub fn is_whole(self, n: usize) -> bool {
        n == self.len()
    }

    /// The function, to be called with as many words as it sees.
    #[inline(always)]
    pub fn function(self) -> BoundFn {
        // SAFETY: `Params::direct_call` made the word of a `BoundFn`.
        unsafe { core::mem::transmute::<usize, BoundFn>((self.0 & Direct::ADDRESS) as usize) }
    }

    /// Calls the function with as many arguments as [`Direct::for_count`] was asked for, fewer than it sees.
    pub fn call_padded(self, th: &mut Thread, args: &[Borrowed<'_>]) -> PyResult {
        let mut words = [Borrowed::null(); DirectCall::MOST];
        for (word, arg) in words.iter_mut().zip(args) {
            *word = *arg;
        }
        self.function()(th, &words[..self.len()])
    }
}

/// Splits at commas outside brackets and quotes.
fn split(text: &'static str) -> Vec<&'static str> {
    let (mut out, mut depth, mut quote, mut start) = (Vec::new(), 0usize, 0u8, 0);
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let c = bytes[i];
        if quote != 0 {
            if c == b'\\' {
                i += 1;
            } else if c == quote {
                quote = 0;
            }
        } else {
            match c {
                b'\'' | b'"' => quote = c,
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => {
                    out.push(text[start..i].trim());
                    start = i + 1;
                }
                _ => {}
            }
        }
        i += 1;
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        out.push(last);
    }
    out
}

impl Params {
    /// The signature of `def`, called `display` in messages. Never freed.
    pub fn of(def: &'static NativeDef, display: String, method: bool) -> &'static Params {
        let mut params = Params::parse(def.name, display, def.sig, method);
        params.direct = params.direct_call(def.call);
        Box::leak(Box::new(params))
    }

    /// What a [`Direct`] of `call` holds.
    fn direct_call(&self, call: NativeCall) -> u64 {
        let NativeCall::Bound(function) = call else { return 0 };
        let address = function as usize as u64;
        if address & !Direct::ADDRESS != 0
            || self.len > DirectCall::MOST
            || self.varargs
            || self.params[self.n_positional..].iter().any(|param| param.required)
        {
            return 0;
        }
        let [least, most, len] = [self.n_required, self.n_positional, self.len].map(|n| n as u64);
        least << 60 | most << 56 | len << 52 | address
    }

    /// Parses `sig`. With `method`, a first parameter that is not marked `$self` is added.
    pub fn parse(name: &'static str, display: String, sig: &'static str, method: bool) -> Params {
        let inner =
            sig.trim().strip_prefix('(').and_then(|s| s.rfind(')').map(|end| &s[..end])).unwrap_or("");
        let mut p = Params {
            display,
            name,
            params: Vec::new(),
            n_positional_only: 0,
            n_positional: 0,
            n_required: 0,
            has_self: method,
            varargs: false,
            varkw: false,
            len: 0,
            plain: false,
            direct: 0,
        };
        let add = |p: &mut Params, name: &'static str, required: bool, keyword_only: bool| {
            p.params.push(Param { name, required, word: AtomicU64::new(0) });
            if !keyword_only {
                p.n_positional += 1;
                p.n_required += usize::from(required);
            }
        };
        let mut keyword_only = false;
        for (i, part) in split(inner).into_iter().enumerate() {
            let (text, default) = match part.split_once('=') {
                Some((n, d)) => (n.trim(), Some(d)),
                None => (part, None),
            };
            let bare = text.split(':').next().unwrap_or(text).trim();
            if i == 0 && !bare.starts_with('$') && method {
                add(&mut p, "self", true, false);
                p.n_positional_only = 1;
            }
            match bare {
                "$module" if !method => {}
                "/" => p.n_positional_only = p.n_positional,
                "*" => keyword_only = true,
                _ if bare.starts_with("**") => p.varkw = true,
                _ if bare.starts_with('*') => {
                    p.varargs = true;
                    keyword_only = true;
                }
                _ if bare.starts_with('$') => {
                    add(&mut p, &bare[1..], true, false);
                    p.n_positional_only = 1;
                    p.has_self = true;
                }
                _ => add(&mut p, bare, default.is_none(), keyword_only),
            }
        }
        if method && p.params.is_empty() {
            add(&mut p, "self", true, false);
            p.n_positional_only = 1;
        }
        p.len = p.params.len() + usize::from(p.varargs) + usize::from(p.varkw);
        p.plain = p.len == p.n_positional;
        p
    }

    /// Number of words that the function sees.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// May `n` positional arguments be handed over as they are?
    #[inline(always)]
    pub fn takes_exactly(&self, n: usize) -> bool {
        self.plain && self.len == n
    }

    fn word_of(&self, i: usize) -> usize {
        // `*args` stands between the positional and the keyword-only parameters.
        if i < self.n_positional { i } else { i + usize::from(self.varargs) }
    }

    #[cold]
    fn wrong_count(&self, th: &mut Thread, given: usize) -> crate::Raised {
        let hidden = usize::from(self.has_self);
        let (min, max) = (self.n_required.saturating_sub(hidden), self.n_positional.saturating_sub(hidden));
        let given_all = given;
        let given = given.saturating_sub(hidden);
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let only = self.n_positional_only == self.n_positional;
        let msg = if self.has_self && given_all == 0 {
            format!("unbound method {}() needs an argument", self.display)
        } else if only && self.params.len() == self.n_positional && !self.varkw && !self.varargs {
            match (min, max) {
                (0, 0) => format!("{}() takes no arguments ({given} given)", self.display),
                (1, 1) => format!("{}() takes exactly one argument ({given} given)", self.display),
                _ if min == max => format!("{} expected {min} argument{}, got {given}", self.name, s(min)),
                _ if given < min => {
                    format!("{} expected at least {min} argument{}, got {given}", self.name, s(min))
                }
                _ => format!("{} expected at most {max} argument{}, got {given}", self.name, s(max)),
            }
        } else if given > max && max == 0 {
            format!("{}() takes no positional arguments", self.name)
        } else if given > max {
            let keyword_only = self.params.len() > self.n_positional;
            let how = if min == max && !keyword_only { "exactly" } else { "at most" };
            let kind = if keyword_only { "positional argument" } else { "argument" };
            format!("{}() takes {how} {max} {kind}{} ({given} given)", self.name, s(max))
        } else if only {
            let how = if min == max && !self.varargs { "exactly" } else { "at least" };
            format!("{}() takes {how} {min} positional argument{} ({given} given)", self.name, s(min))
        } else {
            return self.missing(th, given_all);
        };
        th.type_error(&msg)
    }

    #[cold]
    fn missing(&self, th: &mut Thread, i: usize) -> crate::Raised {
        let p = &self.params[i];
        let msg = if i < self.n_positional {
            let pos = i + 1 - usize::from(self.has_self);
            format!("{}() missing required argument '{}' (pos {pos})", self.name, p.name)
        } else {
            format!("{}() missing required keyword-only argument: '{}'", self.name, p.name)
        };
        th.type_error(&msg)
    }

    /// Which parameter a keyword names.
    fn find(&self, th: &mut Thread, key: Borrowed<'_>) -> Option<usize> {
        let from = self.n_positional_only;
        for i in from..self.params.len() {
            if self.params[i].word(th).is(key.word()) {
                return Some(i);
            }
        }
        let text = key.downcast::<Str>()?;
        self.params[from..].iter().position(|p| text.is_text(p.name)).map(|i| i + from)
    }
}

const INLINE: usize = 12;

/// Arguments in the order of their parameters.
pub struct Bound<'a> {
    direct: Option<&'a [Borrowed<'a>]>,
    inline: [MaybeUninit<Borrowed<'a>>; INLINE],
    spill: Vec<Borrowed<'a>>,
    len: usize,
    /// Keep `*args` and `**kwargs` alive.
    _rest: Option<Owned>,
    _options: Option<Owned>,
}

impl<'a> core::ops::Deref for Bound<'a> {
    type Target = [Borrowed<'a>];
    #[inline]
    fn deref(&self) -> &[Borrowed<'a>] {
        if let Some(d) = self.direct {
            return d;
        }
        if self.len > INLINE {
            return &self.spill;
        }
        // SAFETY: `bind_params` wrote `len` words.
        unsafe { core::slice::from_raw_parts(self.inline.as_ptr() as *const Borrowed<'a>, self.len) }
    }
}

impl<'a> Bound<'a> {
    fn room(len: usize) -> Bound<'a> {
        let mut b = Bound {
            direct: None,
            inline: [MaybeUninit::uninit(); INLINE],
            spill: Vec::new(),
            len,
            _rest: None,
            _options: None,
        };
        if len > INLINE {
            b.spill = vec![Borrowed::null(); len];
        } else {
            b.inline[..len].fill(MaybeUninit::new(Borrowed::null()));
        }
        b
    }

    fn words(&mut self) -> &mut [Borrowed<'a>] {
        if self.len > INLINE {
            return &mut self.spill;
        }
        // SAFETY: `room` wrote `len` words.
        unsafe { core::slice::from_raw_parts_mut(self.inline.as_mut_ptr() as *mut Borrowed<'a>, self.len) }
    }
}

/// Binds arguments to parameters.
///
/// Errors: TypeError with CPython's message.
pub fn bind_params<'a>(th: &mut Thread, p: &Params, args: Args<'a>) -> PyResult<Bound<'a>> {
    let given = args.n_positional;
    if !args.has_keywords() && p.takes_exactly(given) {
        return Ok(Bound {
            direct: Some(args.all),
            inline: [MaybeUninit::uninit(); INLINE],
            spill: Vec::new(),
            len: given,
            _rest: None,
            _options: None,
        });
    }
    if given > p.n_positional && !p.varargs {
        return Err(p.wrong_count(th, given));
    }
    let mut out = Bound::room(p.len);
    let taken = given.min(p.n_positional);
    out.words()[..taken].copy_from_slice(&args.all[..taken]);
    if p.varargs {
        let rest = args.all[taken..given].iter().map(|&a| a.to_owned()).collect();
        let rest = th.new_tuple(rest);
        // SAFETY: `out` holds the tuple for as long as its words are used.
        out.words()[p.n_positional] = unsafe { rest.borrow().extend() };
        out._rest = Some(rest);
    }
    if args.has_keywords() {
        bind_keywords(th, p, args, &mut out)?;
    }
    for i in taken..p.params.len() {
        if p.params[i].required && out.words()[p.word_of(i)].is_null() {
            return Err(if i < p.n_positional_only { p.wrong_count(th, given) } else { p.missing(th, i) });
        }
    }
    Ok(out)
}

fn bind_keywords<'a>(th: &mut Thread, p: &Params, args: Args<'a>, out: &mut Bound<'a>) -> PyResult<()> {
    if p.params.len() == p.n_positional_only && !p.varkw {
        let msg = format!("{}() takes no keyword arguments", p.display);
        return Err(th.type_error(&msg));
    }
    for (key, value) in args.keywords() {
        match p.find(th, key) {
            Some(i) => {
                let place = p.word_of(i);
                if !out.words()[place].is_null() {
                    let msg = if i < args.n_positional {
                        let pos = i + 1 - usize::from(p.has_self);
                        format!(
                            "argument for {}() given by name ('{}') and position ({pos})",
                            p.name, p.params[i].name
                        )
                    } else {
                        format!("{}() got multiple values for argument '{}'", p.name, p.params[i].name)
                    };
                    return Err(th.type_error(&msg));
                }
                out.words()[place] = value;
            }
            None if p.varkw => {
                if out._options.is_none() {
                    let d = th.new_dict();
                    let last = p.len - 1;
                    // SAFETY: `out` holds the dict for as long as its words are used.
                    out.words()[last] = unsafe { d.borrow().extend() };
                    out._options = Some(d);
                }
                if let Some(d) = &out._options {
                    d.payload::<Dict>().set(th, key, value.to_owned())?;
                }
            }
            None => {
                let key = key.downcast::<Str>().map(|s| s.to_text()).unwrap_or_default();
                let msg = format!("{}() got an unexpected keyword argument '{key}'", p.name);
                return Err(th.type_error(&msg));
            }
        }
    }
    Ok(())
}

/// Name and signature, by address.
type Key = (usize, usize);

static PARSED: Mutex<Option<HashMap<Key, &'static Params, BuildHasherDefault<Fnv>>>> = Mutex::new(None);

const RECENT: usize = 128;

thread_local! {
    /// What this thread bound lately: spares the common path the table's lock.
    static RECENT_PARAMS: [Cell<(Key, Option<&'static Params>)>; RECENT] =
        const { [const { Cell::new(((0, 0), None)) }; RECENT] };
}

fn parsed(name: &'static str, sig: &'static str) -> &'static Params {
    let key = (name.as_ptr() as usize, sig.as_ptr() as usize);
    let place = (key.0 >> 3 ^ key.1 >> 1) % RECENT;
    RECENT_PARAMS.with(|recent| {
        if let (k, Some(p)) = recent[place].get()
            && k == key
            && p.name.len() == name.len()
        {
            return p;
        }
        let p = *PARSED
            .lock()
            .get_or_insert_default()
            .entry(key)
            .or_insert_with(|| Box::leak(Box::new(Params::parse(name, name.to_owned(), sig, false))));
        recent[place].set((key, Some(p)));
        p
    })
}

/// Binds by signature text, parsed once per text. For `new` and `call` slots.
///
/// Errors: TypeError that names `name`.
pub fn bind<'a>(
    th: &mut Thread,
    name: &'static str,
    sig: &'static str,
    args: Args<'a>,
) -> PyResult<Bound<'a>> {
    bind_params(th, parsed(name, sig), args)
}

/// Calls a native function with arguments as they came; `args.all[0]` is self for methods.
#[inline]
pub fn call_native(th: &mut Thread, def: &NativeDef, params: &Params, args: Args<'_>) -> PyResult {
    match def.call {
        NativeCall::Raw(f) => {
            if params.has_self && args.all.is_empty() {
                return Err(params.wrong_count(th, 0));
            }
            f(th, args)
        }
        NativeCall::Bound(f) => {
            if !args.has_keywords() && params.takes_exactly(args.n_positional) {
                return f(th, args.all);
            }
            let bound = bind_params(th, params, args)?;
            f(th, &bound)
        }
    }
}

/// `__text_signature__`: the signature as `inspect` reads it, or `None` for natives without one.
pub fn text_signature(sig: &'static str) -> Option<&'static str> {
    if sig.starts_with('(') { Some(sig) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_from_text() {
        let p =
            Params::parse("f", "f".into(), "($self, a, b=', )', /, c=(1, 2), *rest, k, o=None, **kw)", true);
        let names: Vec<_> = p.params.iter().map(|p| p.name).collect();
        assert_eq!(names, ["self", "a", "b", "c", "k", "o"]);
        assert_eq!((p.n_positional_only, p.n_positional, p.n_required), (3, 4, 2));
        assert!(p.varargs && p.varkw && p.has_self && !p.plain);
        assert_eq!(p.len(), 8);
        assert_eq!(p.word_of(4), 5, "*rest comes before the keyword-only ones");
    }

    #[test]
    fn module_is_not_a_parameter_and_self_is_added_to_methods() {
        let f = Params::parse("f", "f".into(), "($module, x, /)", false);
        assert_eq!((f.len(), f.has_self, f.takes_exactly(1)), (1, false, true));
        let m = Params::parse("f", "f".into(), "(x, /)", true);
        assert_eq!((m.len(), m.has_self), (2, true));
        assert_eq!(Params::parse("f", "f".into(), "()", true).len(), 1);
    }
}
