//! Where the parts of an instance lie, and what follows from it: which bases fit together, whether an
//! object may change its class.
//!
//! ```text
//! payload of the built-in base | __slots__ members of the bases, then its own | dict | inline attributes
//! ```

use typhon_sync::prim::Ordering;

use super::class_of;
use super::lookup::lock_types;
use crate::attributes::{MAX_INLINE, instance_dict};
use crate::builtins::tuple::Tuple;
use crate::object::{Borrowed, Owned, PyResult};
use crate::shape::{self, Root};
use crate::thread::{self, Thread};
use crate::typedef::{kind, type_flags};
use crate::types::Type;

/// Inline slots beyond the names that the class's methods assign.
const SLACK: usize = 2;
/// Inline slots at least.
const MIN_INLINE: usize = 4;

/// `__slots__` members of a class and its bases.
pub(super) fn n_members(ty: &Type) -> u32 {
    ty.n_values() - u32::from(has_own_dict_word(ty))
}

/// Is the dict word behind the payload (and not in it)?
fn has_own_dict_word(ty: &Type) -> bool {
    ty.dict_offset() != 0 && ty.dict_offset() >= ty.values_offset()
}

/// The class (this one or a base) that last added something to the layout.
fn solid(ty: &Type) -> &Type {
    let Some(base) = ty.base() else { return ty };
    let adds = match ty.def.0 {
        Some(_) => ty.layout.0.size > base.layout.0.size,
        None => n_members(ty) > n_members(base),
    };
    if adds { ty } else { solid(base) }
}

/// The base whose layout the class extends. Errors: TypeError when two bases do not fit.
pub(super) fn best_base<'a>(th: &mut Thread, bases: &[&'a Type]) -> PyResult<&'a Type> {
    let mut best: Option<(&'a Type, &Type)> = None;
    for &b in bases {
        if !b.has_flag(type_flags::BASE) {
            return Err(th.type_error(&format!("type '{}' is not an acceptable base type", b.display_name())));
        }
        let s = solid(b);
        best = match best {
            None => Some((b, s)),
            Some((_, winner)) if winner.is_subtype_of(s) => best,
            Some((_, winner)) if s.is_subtype_of(winner) => Some((b, s)),
            Some(_) => return Err(th.type_error("multiple bases have instance lay-out conflict")),
        };
    }
    Ok(best.expect("a class has bases").0)
}

/// Where things lie in instances of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub values_offset: u32,
    /// 0 = no dict.
    pub dict_offset: u32,
    pub n_values: u32,
    pub n_inline: u32,
    pub size: u32,
}

/// Lays out a class over `base`, with `own_members` more members; `dict`: instances have a dict.
pub(super) fn plan(base: &Type, own_members: usize, dict: bool, known_names: usize) -> Plan {
    let values_offset = (base.layout.0.size as u32 + 7) & !7;
    let n_members = n_members(base) + own_members as u32;
    let in_payload = base.dict_offset() != 0 && !has_own_dict_word(base);
    let word = dict && !in_payload;
    let behind = values_offset + 8 * n_members;
    let dict_offset = match (word, in_payload) {
        (true, _) => behind,
        (false, true) => base.dict_offset(),
        _ => 0,
    };
    let n_inline = if word { ((known_names + SLACK).max(MIN_INLINE) as u32).min(MAX_INLINE) } else { 0 };
    let n_values = n_members + u32::from(word);
    Plan { values_offset, dict_offset, n_values, n_inline, size: values_offset + 8 * (n_values + n_inline) }
}

/// Writes a plan into a new class and gives it its root shape.
pub(super) fn install(ty: &Type, p: Plan) {
    // ORDERING Relaxed: the class is not published yet.
    ty.values_offset.store(p.values_offset, Ordering::Relaxed);
    ty.n_values.store(p.n_values, Ordering::Relaxed);
    ty.dict_offset.store(p.dict_offset, Ordering::Relaxed);
    ty.n_inline.store(p.n_inline, Ordering::Relaxed);
    ty.basic_size.store(p.size, Ordering::Relaxed);
    let root = Root {
        ty,
        kind: ty.kind(),
        slots_offset: p.values_offset + 8 * p.n_values,
        capacity: p.n_inline,
        size: p.size,
    };
    ty.root_shape.store(shape::create_root(root), Ordering::Relaxed);
}

/// Do instances of the two classes look alike in memory, apart from inline attributes?
fn compatible(a: &Type, b: &Type) -> bool {
    let same_payload = a.layout.0.size == b.layout.0.size
        && (a.layout.0.drop as usize == b.layout.0.drop as usize)
        && core::ptr::eq(native_base(a), native_base(b));
    same_payload
        && a.dict_offset() == b.dict_offset()
        && n_members(a) == n_members(b)
        && (n_members(a) == 0 || core::ptr::eq(solid(a), solid(b)) || same_members(a, b))
}

/// The first built-in class.
fn native_base(ty: &Type) -> &Type {
    match (ty.has_flag(type_flags::HEAP), ty.base()) {
        (true, Some(b)) => native_base(b),
        _ => ty,
    }
}

fn member_names(ty: &Type) -> Vec<u64> {
    use crate::builtins::descriptors::MemberDescriptor;
    let mut names: Vec<u64> = ty
        .namespace()
        .entries()
        .iter()
        .filter(|(_, v)| v.borrow().downcast_exact::<MemberDescriptor>().is_some())
        .map(|(k, _)| k.word().identity())
        .collect();
    names.sort_unstable();
    names
}

fn same_members(a: &Type, b: &Type) -> bool {
    let (sa, sb) = (solid(a), solid(b));
    let bases = match (sa.base(), sb.base()) {
        (Some(x), Some(y)) => core::ptr::eq(solid(x), solid(y)),
        _ => false,
    };
    bases && member_names(sa) == member_names(sb)
}

/// `obj.__class__ = new`
pub(crate) fn assign_class(th: &mut Thread, o: Borrowed<'_>, new: &Type) -> PyResult<()> {
    let old = o.ty();
    let module = |t: &Type| t.kind() & kind::MODULE != 0;
    let heap = |t: &Type| t.has_flag(type_flags::HEAP) && !t.has_flag(type_flags::IMMUTABLE);
    if !(module(old) && module(new) || heap(old) && heap(new)) {
        return Err(
            th.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses")
        );
    }
    let Some(h) = o.header().filter(|_| compatible(old, new)) else {
        let msg = format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.display_name(),
            old.display_name()
        );
        return Err(th.type_error(&msg));
    };
    if core::ptr::eq(old, new) {
        return Ok(());
    }
    let inline = o.shape().capacity() != 0 || new.n_inline() != 0;
    if inline {
        instance_dict(th, h)?;
    }
    let id = if inline { shape::in_dict_mode(new.root_shape()) } else { new.root_shape() };
    let _guard = thread::lock_object(h);
    // ORDERING Release: whoever sees the shape sees the dict.
    h.shape.store(id, Ordering::Release);
    Ok(())
}

/// `cls.__bases__ = bases`
pub(super) fn set_bases(th: &mut Thread, o: Borrowed<'_>, v: Option<Borrowed<'_>>) -> PyResult<()> {
    let ty = class_of(o);
    let name = ty.display_name();
    super::check_mutable(th, ty, th.rt.names.__bases__.get())?;
    let Some(v) = v else {
        return Err(th.type_error(&format!("can't delete {name}.__bases__")));
    };
    let Some(tuple) = v.downcast::<Tuple>() else {
        let msg = format!("can only assign tuple to {name}.__bases__, not {}", v.type_name(th));
        return Err(th.type_error(&msg));
    };
    if tuple.is_empty() {
        return Err(th.type_error(&format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    let mut bases = Vec::with_capacity(tuple.len());
    for b in tuple.iter() {
        let Some(t) = b.downcast::<Type>() else {
            let msg = format!("{name}.__bases__ must be tuple of classes, not '{}'", b.type_name(th));
            return Err(th.type_error(&msg));
        };
        // An `mro()` that assigns `__bases__` itself leaves MROs behind the chain of bases.
        if t.is_subtype_of(ty) || std::iter::successors(Some(t), |t| t.base()).any(|t| core::ptr::eq(t, ty)) {
            return Err(th.type_error("a __bases__ item causes an inheritance cycle"));
        }
        bases.push(t);
    }
    let best = best_base(th, &bases)?;
    let fits = ty.base().is_some_and(|old| {
        let same_solid = core::ptr::eq(solid(old), solid(best));
        same_solid && (old.dict_offset() != 0) == (best.dict_offset() != 0)
            || compatible(old, best)
            || same_solid && ty.dict_offset() != 0
    });
    if !fits {
        let old = ty.base().map_or_else(String::new, |b| b.display_name());
        let msg =
            format!("__bases__ assignment: '{}' object layout differs from '{old}'", best.display_name());
        return Err(th.type_error(&msg));
    }
    let old_bases = ty.bases.get(&ty.header);
    ty.bases.set(&ty.header, v.to_owned());
    // ORDERING Release: pairs with the Acquire in `Type::base`.
    let old_base = ty.base.0.swap(best as *const Type as *mut Type, Ordering::AcqRel);
    let mut undo = Vec::new();
    if let Err(raised) = recompute_mro(th, ty, &mut undo) {
        for (t, mro) in undo {
            if let (Some(t), Some(mro)) = (t.downcast::<Type>(), mro) {
                t.mro.set(&t.header, mro);
            }
        }
        if let Some(b) = old_bases {
            ty.bases.set(&ty.header, b);
        }
        // ORDERING Release: as above.
        ty.base.0.store(old_base, Ordering::Release);
        return Err(raised);
    }
    // Readers walk an MRO without a lock: the old ones live on.
    for old in undo.into_iter().filter_map(|(_, m)| m) {
        crate::runtime::immortal(old);
    }
    if let Some(b) = old_bases {
        crate::runtime::immortal(b);
    }
    if ty.bases.fixed().is_none_or(|now| !now.is(v.word())) {
        // An `mro()` assigned `__bases__` meanwhile, and that assignment has done the rest.
        return Ok(());
    }
    {
        let _lock = lock_types();
        ty.invalidate();
        ty.link(&bases);
    }
    super::update::update_all(ty);
    deprecate_all(ty);
    Ok(())
}

fn deprecate_all(ty: &Type) {
    {
        let _lock = lock_types();
        ty.invalidate();
        shape::deprecate(ty);
    }
    for sub in ty.live_subclasses() {
        if let Some(sub) = sub.downcast::<Type>() {
            deprecate_all(sub);
        }
    }
}

/// New MROs for the class and everything below it; the old ones go to `undo`.
fn recompute_mro(th: &mut Thread, ty: &Type, undo: &mut Vec<(Owned, Option<Owned>)>) -> PyResult<()> {
    let tuple = ty.bases.get(&ty.header);
    let bases: Vec<&Type> = tuple
        .as_ref()
        .and_then(|b| b.downcast::<Tuple>())
        .map(|t| t.iter().filter_map(|b| b.downcast::<Type>()).collect())
        .unwrap_or_default();
    let mro = super::mro::compute(th, ty, &bases)?;
    let old = {
        let _lock = lock_types();
        ty.mro.swap(mro)
    };
    undo.push((ty.as_value().to_owned(), old));
    for sub in ty.live_subclasses() {
        if let Some(sub) = sub.downcast::<Type>() {
            recompute_mro(th, sub, undo)?;
        }
    }
    Ok(())
}
