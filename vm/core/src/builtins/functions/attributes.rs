//! Attributes and classes of objects.

use super::attribute_name;
use crate::object::{Borrowed, Owned, PyResult};
use crate::slots::ArgsExt;
use crate::thread::Thread;

pub fn getattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = attribute_name(th, a[1])?;
    match a.opt(2) {
        None => a[0].getattr(th, name.borrow()),
        Some(default) => match a[0].getattr_opt(th, name.borrow())? {
            Some(v) => Ok(v),
            None => Ok(default.to_owned()),
        },
    }
}

pub fn hasattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = attribute_name(th, a[1])?;
    Ok(Owned::bool(a[0].getattr_opt(th, name.borrow())?.is_some()))
}

pub fn setattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = attribute_name(th, a[1])?;
    a[0].setattr(th, name.borrow(), Some(a[2]))?;
    Ok(Owned::none())
}

pub fn delattr(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let name = attribute_name(th, a[1])?;
    a[0].setattr(th, name.borrow(), None)?;
    Ok(Owned::none())
}

pub fn callable(_th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(a[0].is_callable()))
}

pub fn isinstance(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(a[0].isinstance(th, a[1])?))
}

pub fn issubclass(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    Ok(Owned::bool(a[0].issubclass(th, a[1])?))
}
