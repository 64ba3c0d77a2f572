//! `_deque_iterator` and `_deque_reverse_iterator`.

use typhon_sync::prim::{AtomicUsize, Ordering};

use typhon_core::{
    Args, ArgsExt, Borrowed, NativeDef, Owned, PyResult, Slot, Slots, Thread, Type, TypeDef, payload,
    signature, type_flags, unborn,
};

use super::deque::Deque;
use crate::args::{itself, this};

payload! {
    /// Iterator of a deque.
    pub struct DequeIterator: FORWARD {
        deque: Slot,
        /// Items given out so far.
        index: AtomicUsize,
        state: u64,
        left: AtomicUsize,
    }
}

payload! {
    /// Reverse iterator of a deque.
    pub struct DequeReverseIterator: REVERSE {
        deque: Slot,
        index: AtomicUsize,
        state: u64,
        left: AtomicUsize,
    }
}

macro_rules! iterator {
    ($def:ident $payload:ident $name:literal $make:ident $next:ident $new:ident $hint:ident $reduce:ident $back:literal) => {
        pub static $def: TypeDef = TypeDef {
            module: "collections",
            flags: type_flags::GC,
            slots: Slots { new: Some($new), iter: Some(itself), next: Some($next), ..Slots::NONE },
            methods: &[
                NativeDef::new(
                    "__length_hint__",
                    "($self, /)",
                    $hint,
                    "Private method returning an estimate of len(list(it)).",
                ),
                NativeDef::new("__reduce__", "($self, /)", $reduce, "Return state information for pickling."),
            ],
            ..TypeDef::of::<$payload>($name)
        };

        pub fn $make(th: &mut Thread, o: Borrowed<'_>) -> PyResult {
            let d: &Deque = this(o);
            let (state, left) = d.state_and_len(th);
            Ok(th.alloc($payload {
                header: unborn(),
                deque: Slot::new(o.to_owned()),
                index: AtomicUsize::new(0),
                state,
                left: AtomicUsize::new(left),
            }))
        }

        fn $next(th: &mut Thread, o: Borrowed<'_>) -> PyResult<Option<Owned>> {
            let it: &$payload = this(o);
            // ORDERING Relaxed: positions; threads that share an iterator may see an item twice.
            let left = it.left.load(Ordering::Relaxed);
            let d: &Deque = this(it.deque.fixed().unwrap_or(Borrowed::none()));
            let i = it.index.load(Ordering::Relaxed);
            let Some(item) = d.item_at(th, it.state, i, $back) else {
                it.left.store(0, Ordering::Relaxed);
                return Err(th.runtime_error("deque mutated during iteration"));
            };
            if left == 0 || item.is_none() {
                return Ok(None);
            }
            it.index.store(i + 1, Ordering::Relaxed);
            it.left.store(left - 1, Ordering::Relaxed);
            Ok(item)
        }

        fn $new(th: &mut Thread, _: &Type, args: Args<'_>) -> PyResult {
            let a = signature::bind(th, $name, "(deque, index=0, /)", args)?;
            if a[0].downcast::<Deque>().is_none() {
                let msg =
                    format!("{}() argument 1 must be collections.deque, not {}", $name, a[0].type_name(th));
                return Err(th.type_error(&msg));
            }
            let skip = match a.opt(1) {
                Some(i) => i.to_isize(th)?.max(0) as usize,
                None => 0,
            };
            let it = $make(th, a[0])?;
            for _ in 0..skip {
                if it.borrow().next(th)?.is_none() {
                    break;
                }
            }
            Ok(it)
        }

        fn $hint(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            // ORDERING Relaxed: a position.
            let left = this::<$payload>(a[0]).left.load(Ordering::Relaxed);
            Ok(th.new_int(left as i64))
        }

        fn $reduce(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
            let it: &$payload = this(a[0]);
            let deque = it.deque.fixed().unwrap_or(Borrowed::none());
            // ORDERING Relaxed: positions.
            let done = deque.len(th)?.saturating_sub(it.left.load(Ordering::Relaxed));
            let done = th.new_int(done as i64);
            let args = th.new_pair(deque.to_owned(), done);
            Ok(th.new_pair(a[0].ty().as_value().to_owned(), args))
        }
    };
}

iterator!(FORWARD DequeIterator "_deque_iterator" forward forward_next forward_new forward_hint forward_reduce false);
iterator!(REVERSE DequeReverseIterator "_deque_reverse_iterator" reverse reverse_next reverse_new reverse_hint reverse_reduce true);
