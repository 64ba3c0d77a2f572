//! Code objects: compiled code as Python sees it, and its linked form that runs.

use typhon_sync::prim::{AtomicPtr, AtomicU32, Ordering};

use typhon_compile::code::{Code, flags as co};

use crate::object::{Data, Owned, PyResult, Slot};
use crate::slots::Slots;
use crate::thread::{Thread, unborn};
use crate::typedef::{Layout, TypeDef, TypeId, type_flags};
use crate::word::Word;

mod attributes;

crate::payload! {
    /// A code object. Deferred kind: caches and running frames hold it without a count.
    pub struct CodeObject: DEF {
        /// First unit of the linked code; a stub that links, before the first call.
        pub entry: AtomicPtr<u64>,
        /// Positional parameters if the call needs nothing but moving arguments; else `u32::MAX`.
        pub simple_argc: u32,
        /// Words of locals: those with names, and the positions of loops ([`crate::interp::in_place`]).
        pub n_locals: u32,
        /// Locals with names: parameters, variables, cells, free variables.
        pub n_names: u32,
        /// Words of a frame: locals, the junk word, the evaluation stack.
        pub frame_size: u32,
        pub flags: u32,
        pub data: Data<Code>,
        /// `co_consts`, `co_names`, `co_varnames`…: tuples made at birth.
        pub consts: Slot,
        pub names: Slot,
        pub localsplusnames: Slot,
        pub name: Slot,
        pub qualname: Slot,
        pub filename: Slot,
        /// The linked form, once there is one. Never freed before the code object.
        pub linked: Data<AtomicPtr<crate::interp::link::Linked>>,
        /// How often the code was called before it was linked; for statistics.
        pub calls: AtomicU32,
    }
}

impl CodeObject {
    #[inline(always)]
    pub fn entry(&self) -> *const u64 {
        // ORDERING Acquire: pairs with the Release in `link`: the units are visible.
        self.entry.load(Ordering::Acquire)
    }

    /// The linked form, made now if need be.
    pub fn linked(&self, th: &mut Thread) -> &crate::interp::link::Linked {
        crate::interp::link::link(th, self)
    }

    /// The linked form, if the code ever ran.
    pub fn linked_now(&self) -> Option<&crate::interp::link::Linked> {
        // ORDERING Acquire: as in `entry`.
        let p = self.linked.0.load(Ordering::Acquire);
        // SAFETY: lives as long as the code object.
        if p.is_null() { None } else { Some(unsafe { &*p }) }
    }

    /// Free variables: cells that the closure provides.
    pub fn n_free(&self) -> usize {
        use typhon_compile::code::kind;
        self.data.0.localspluskinds.iter().filter(|k| **k & kind::FREE != 0).count()
    }

    pub fn name_text(&self) -> String {
        self.name
            .fixed()
            .and_then(|n| n.downcast::<crate::builtins::str::Str>().map(|s| s.to_text()))
            .unwrap_or_default()
    }

    pub fn is_generator_like(&self) -> bool {
        self.flags & (co::GENERATOR | co::COROUTINE | co::ASYNC_GENERATOR) != 0
    }

    pub fn const_word(&self, i: usize) -> Word {
        self.consts_tuple().items()[i].peek().uncounted()
    }

    pub fn consts_tuple(&self) -> &crate::builtins::tuple::Tuple {
        self.consts.fixed().and_then(|t| t.downcast()).expect("set at birth")
    }

    pub fn names_tuple(&self) -> &crate::builtins::tuple::Tuple {
        self.names.fixed().and_then(|t| t.downcast()).expect("set at birth")
    }

    pub fn locals_tuple(&self) -> &crate::builtins::tuple::Tuple {
        self.localsplusnames.fixed().and_then(|t| t.downcast()).expect("set at birth")
    }

    /// Source line of the 16-bit code unit at `offset` (in units), if it has one.
    pub fn line_of(&self, offset: u32) -> Option<u32> {
        crate::interp::tables::position(&self.data.0.linetable, self.data.0.firstlineno, offset).line
    }
}

impl Drop for CodeObject {
    fn drop(&mut self) {
        // ORDERING Relaxed: nobody runs a dead code object.
        let p = self.linked.0.swap(core::ptr::null_mut(), Ordering::Relaxed);
        if !p.is_null() {
            for linked in crate::monitoring::variants::forget(self, p) {
                if crate::contention::is_on() {
                    crate::contention::places::leave(&linked);
                }
            }
        }
    }
}

impl Thread {
    /// A code object of compiled code, with constants made into objects.
    pub fn new_code(&mut self, data: Code) -> PyResult {
        let mut consts = Vec::with_capacity(data.consts.len());
        for c in &data.consts {
            consts.push(crate::constants::make(self, c)?);
        }
        let consts = self.new_tuple(consts);
        self.new_code_with(data, consts)
    }

    /// A code object whose constants are objects already; `data.consts` is not looked at.
    ///
    /// Errors: ValueError for tables that do not fit together.
    pub fn new_code_with(&mut self, mut data: Code, consts: Owned) -> PyResult {
        data.consts.clear();
        let consts = crate::constants::intern(self, consts);
        let names = data.names.iter().map(|n| self.intern_pystr(n)).collect();
        let locals = data.localsplusnames.iter().map(|n| self.intern_pystr(n)).collect();
        let name = self.intern_pystr(&data.name);
        let qualname = self.intern_pystr(&data.qualname);
        let filename = self.intern_pystr(&data.filename);
        Ok(self.new_code_of(data, consts, names, locals, name, qualname, filename))
    }

    fn new_code_of(
        &mut self,
        data: Code,
        consts: Owned,
        names: Vec<Owned>,
        locals: Vec<Owned>,
        name: Owned,
        qualname: Owned,
        filename: Owned,
    ) -> Owned {
        let names = self.new_tuple(names);
        let locals = self.new_tuple(locals);
        // Code of a module or class body, called as a function, has a namespace besides its locals.
        let simple = data.flags & (co::VARARGS | co::VARKEYWORDS | co::OPTIMIZED) == co::OPTIMIZED
            && data.kwonlyargcount == 0;
        let n_names = data.localsplusnames.len() as u32;
        let n_locals = n_names + crate::interp::in_place::positions(&data);
        self.alloc(CodeObject {
            header: unborn(),
            entry: AtomicPtr::new(crate::interp::eval::link_unit().cast_mut()),
            simple_argc: if simple { data.argcount } else { u32::MAX },
            n_locals,
            n_names,
            frame_size: n_locals + 1 + data.stacksize,
            flags: data.flags,
            data: Data(data),
            consts: Slot::new(consts),
            names: Slot::new(names),
            localsplusnames: Slot::new(locals),
            name: Slot::new(name),
            qualname: Slot::new(qualname),
            filename: Slot::new(filename),
            linked: Data(AtomicPtr::new(core::ptr::null_mut())),
            calls: AtomicU32::new(0),
        })
    }

    /// The interned str of a compiler's string.
    pub fn intern_pystr(&mut self, s: &typhon_compile::PyStr) -> Owned {
        match s.as_str() {
            Some(s) => self.intern(s),
            None => {
                let v = self.new_pystr(s);
                self.intern_str(v.borrow())
            }
        }
    }

    /// A str of a compiler's string (lone surrogates kept).
    pub fn new_pystr(&mut self, s: &typhon_compile::PyStr) -> Owned {
        match s.as_str() {
            Some(s) => self.new_str(s),
            None => {
                let mut b = typhon_text::StrBuf::with_capacity(s.byte_len());
                s.code_points().for_each(|c| b.push(c));
                self.new_str_buf(b)
            }
        }
    }
}

pub static DEF: TypeDef = TypeDef {
    id: TypeId::fixed(crate::builtins::ids::CODE),
    flags: type_flags::GC | type_flags::DEFERRED | type_flags::WEAKREF,
    slots: Slots {
        new: Some(attributes::new),
        repr: Some(attributes::repr),
        compare: Some(attributes::compare),
        hash: Some(attributes::hash),
        ..Slots::NONE
    },
    methods: attributes::METHODS,
    getset: attributes::GETSET,
    // Names are strings: they lead nowhere.
    layout: Layout::of::<CodeObject>()
        .in_a_row(crate::row_of_slots!(CodeObject, consts to consts, 1, |_| true)),
    ..TypeDef::of::<CodeObject>("code")
};
