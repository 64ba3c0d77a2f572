//! Reading the arguments of natives and constructors.

use typhon_core::signature::Bound;
use typhon_core::{Args, Borrowed, Owned, Payload, PyResult, Thread, Type, signature};

/// The payload of a native's `self`, whose type the slot or method table has checked.
#[inline(always)]
pub fn this<'a, T: Payload>(o: Borrowed<'a>) -> &'a T {
    o.downcast::<T>().expect("checked by the slot's type")
}

/// `__iter__` of an iterator.
pub fn itself(_: &mut Thread, o: Borrowed<'_>) -> PyResult {
    Ok(o.to_owned())
}

/// Binds the arguments of a constructor. A subclass may take keywords that its own `__init__` reads:
/// then positional-only constructors ignore them, as in CPython.
pub fn constructor<'a, T: Payload>(
    th: &mut Thread,
    ty: &Type,
    sig: &'static str,
    args: Args<'a>,
) -> PyResult<Bound<'a>> {
    let exact = core::ptr::eq(ty, T::DEF.ty());
    let args = if !exact && sig.ends_with("/)") { Args::positional(args.pos()) } else { args };
    signature::bind(th, T::DEF.name, sig, args)
}

/// A payload as an object of class `ty`.
#[inline]
pub fn made<T: Payload>(th: &mut Thread, ty: &Type, payload: T) -> PyResult {
    if core::ptr::eq(ty, T::DEF.ty()) { Ok(th.alloc(payload)) } else { Ok(th.alloc_as(payload, ty)) }
}

/// A small run of values in place, spilling to the heap beyond eight: arguments and tuple items under
/// construction.
pub struct Items {
    inline: [Option<Owned>; 8],
    spill: Vec<Owned>,
    len: usize,
}

impl Items {
    /// An empty run.
    #[inline]
    pub fn new() -> Items {
        Items { inline: [const { None }; 8], spill: Vec::new(), len: 0 }
    }

    /// Adds a value at the end.
    #[inline]
    pub fn push(&mut self, v: Owned) {
        if self.len < self.inline.len() && self.spill.is_empty() {
            self.inline[self.len] = Some(v);
        } else {
            if self.spill.is_empty() {
                self.spill.extend(self.inline.iter_mut().filter_map(Option::take));
            }
            self.spill.push(v);
        }
        self.len += 1;
    }

    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values as a tuple.
    #[inline]
    pub fn into_tuple(mut self, th: &mut Thread) -> Owned {
        if self.spill.is_empty() {
            th.new_tuple_with(self.len, |i| self.inline[i].take().unwrap_or_else(Owned::none))
        } else {
            th.new_tuple(self.spill)
        }
    }
}

impl Default for Items {
    fn default() -> Items {
        Items::new()
    }
}

/// Calls with borrowed views of owned values.
pub fn call_owned(th: &mut Thread, f: Borrowed<'_>, args: &[Owned]) -> PyResult {
    match args {
        [] => f.call(th, &[]),
        [a] => f.call(th, &[a.borrow()]),
        [a, b] => f.call(th, &[a.borrow(), b.borrow()]),
        _ => {
            let view: Vec<Borrowed<'_>> = args.iter().map(|a| a.borrow()).collect();
            f.call(th, &view)
        }
    }
}

/// Arguments under construction that somebody else keeps alive: in place up to sixteen.
pub struct View<'a> {
    inline: [Borrowed<'a>; 16],
    spill: Vec<Borrowed<'a>>,
    len: usize,
}

impl<'a> View<'a> {
    /// No arguments, with room for `n`.
    #[inline]
    pub fn with_room(n: usize) -> View<'a> {
        let spill = if n > 16 { Vec::with_capacity(n) } else { Vec::new() };
        View { inline: [Borrowed::null(); 16], spill, len: 0 }
    }

    /// Adds an argument; no more than there is room for.
    #[inline]
    pub fn push(&mut self, v: Borrowed<'a>) {
        if self.spill.capacity() == 0 {
            self.inline[self.len] = v;
            self.len += 1;
        } else {
            self.spill.push(v);
        }
    }

    /// The arguments so far.
    #[inline]
    pub fn as_slice(&self) -> &[Borrowed<'a>] {
        if self.spill.capacity() == 0 { &self.inline[..self.len] } else { &self.spill }
    }
}

/// A new exception class of a native module.
pub fn exception_class(th: &mut Thread, module: &str, name: &str, base: Borrowed<'_>) -> PyResult {
    let class = typhon_core::builtins::type_::DEF.ty().as_value();
    let text = th.new_str(name);
    let bases = th.new_tuple(vec![base.to_owned()]);
    let namespace = th.new_dict();
    let module = th.new_str(module);
    let key = th.rt.names.__module__.get();
    namespace.payload::<typhon_core::builtins::dict::Dict>().set(th, key, module)?;
    class.call(th, &[text.borrow(), bases.borrow(), namespace.borrow()])
}
