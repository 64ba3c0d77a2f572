//! The modules of hash functions behind `hashlib`: `_md5`, `_sha1`, `_sha2`, `_sha3` and `_blake2`.

mod blake2;
mod sponge;

use md5::digest::Digest;
use typhon_core::buffer;
use typhon_core::object::LockedGuard;
use typhon_core::{
    Args, ArgsExt, Borrowed, Data, GetSetDef, Locked, ModuleDef, NativeDef, Owned, Payload, PyResult, Slots,
    Thread, Type, TypeDef, payload, type_flags, unborn,
};

use crate::args::{constructor, made, this};
use crate::support::ModuleExt;
use blake2::{Blake2b, Blake2s, Parameters};
use sponge::Sponge;

/// A hash in progress.
#[derive(Clone)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sponge(Sponge),
    Blake2b(Box<Blake2b>),
    Blake2s(Box<Blake2s>),
}

impl State {
    fn update(&mut self, data: &[u8]) {
        match self {
            State::Md5(h) => h.update(data),
            State::Sha1(h) => h.update(data),
            State::Sha224(h) => h.update(data),
            State::Sha256(h) => h.update(data),
            State::Sha384(h) => h.update(data),
            State::Sha512(h) => h.update(data),
            State::Sponge(h) => h.update(data),
            State::Blake2b(h) => h.update(data),
            State::Blake2s(h) => h.update(data),
        }
    }

    /// The digest; `len` counts for functions that give as many bytes as one asks for.
    fn finish(self, len: usize) -> Vec<u8> {
        match self {
            State::Md5(h) => h.finalize().to_vec(),
            State::Sha1(h) => h.finalize().to_vec(),
            State::Sha224(h) => h.finalize().to_vec(),
            State::Sha256(h) => h.finalize().to_vec(),
            State::Sha384(h) => h.finalize().to_vec(),
            State::Sha512(h) => h.finalize().to_vec(),
            State::Sponge(h) => h.finish(len),
            State::Blake2b(h) => h.finish(),
            State::Blake2s(h) => h.finish(),
        }
    }

    /// Name as `hashlib` gives it, bytes of a block, bytes of a digest (0: as many as one asks for).
    fn facts(&self) -> (&'static str, usize, usize) {
        match self {
            State::Md5(_) => ("md5", 64, 16),
            State::Sha1(_) => ("sha1", 64, 20),
            State::Sha224(_) => ("sha224", 64, 28),
            State::Sha256(_) => ("sha256", 64, 32),
            State::Sha384(_) => ("sha384", 128, 48),
            State::Sha512(_) => ("sha512", 128, 64),
            State::Sponge(h) => (h.name(), h.rate(), h.digest_size()),
            State::Blake2b(h) => ("blake2b", 128, h.digest_size()),
            State::Blake2s(h) => ("blake2s", 64, h.digest_size()),
        }
    }
}

/// The payload of every hash class.
trait Hash: Payload {
    fn with(state: State) -> Self;
    /// The state, under the object's lock.
    fn lock<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, Data<State>>;
}

fn peek<T: Hash>(th: &mut Thread, o: Borrowed<'_>) -> State {
    let h: &T = this(o);
    h.lock(th).0.clone()
}

/// Feeds a bytes-like object. Errors: TypeError for str and others.
fn feed(th: &mut Thread, state: &mut State, data: Borrowed<'_>) -> PyResult<()> {
    if data.downcast::<typhon_core::builtins::str::Str>().is_some() {
        return Err(th.type_error("Strings must be encoded before hashing"));
    }
    match buffer::get_opt(th, data, typhon_core::BufferFlags { writable: false })? {
        Some(b) => state.update(&b),
        None => return Err(th.type_error("object supporting the buffer API required")),
    }
    Ok(())
}

fn update<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    if a[1].downcast::<typhon_core::builtins::str::Str>().is_some() {
        return Err(th.type_error("Strings must be encoded before hashing"));
    }
    let Some(b) = buffer::get_opt(th, a[1], typhon_core::BufferFlags { writable: false })? else {
        return Err(th.type_error("object supporting the buffer API required"));
    };
    let h: &T = this(a[0]);
    h.lock(th).0.update(&b);
    Ok(Owned::none())
}

fn copy<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let state = peek::<T>(th, a[0]);
    Ok(th.alloc(T::with(state)))
}

/// The digest, of the length that was asked for where the function leaves it open.
fn digested<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult<Vec<u8>> {
    let len = match a.opt(1) {
        Some(n) => {
            let n = n.to_isize(th)?;
            match usize::try_from(n) {
                Ok(n) if n < 1 << 29 => n,
                Ok(_) => return Err(th.value_error("length is too large")),
                Err(_) => return Err(th.value_error("value must be positive")),
            }
        }
        None => 0,
    };
    Ok(peek::<T>(th, a[0]).finish(len))
}

fn digest<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    let d = digested::<T>(th, a)?;
    Ok(th.new_bytes(&d))
}

fn hexdigest<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>]) -> PyResult {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let d = digested::<T>(th, a)?;
    let hex: Vec<u8> =
        d.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect();
    Ok(th.new_ascii(&hex))
}

fn fact<T: Hash>(th: &mut Thread, o: Borrowed<'_>) -> (&'static str, usize, usize) {
    let h: &T = this(o);
    h.lock(th).0.facts()
}

/// What the constructor functions take.
const MAKE: &str = "($module, /, data=b'', *, usedforsecurity=True, string=None)";

/// The first data of a hash: `data`, or `string` under its old name.
fn first_data<'a>(
    th: &mut Thread,
    data: Option<Borrowed<'a>>,
    string: Option<Borrowed<'a>>,
) -> PyResult<Option<Borrowed<'a>>> {
    match (data, string) {
        (Some(_), Some(_)) => Err(th.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated \
             for removal in a future version.",
        )),
        (data, string) => Ok(data.or(string)),
    }
}

fn begin<T: Hash>(th: &mut Thread, a: &[Borrowed<'_>], mut state: State) -> PyResult {
    if let Some(data) = first_data(th, a.opt(0), a.some(2))? {
        feed(th, &mut state, data)?;
    }
    Ok(th.alloc(T::with(state)))
}

/// Declares the class of a hash function.
macro_rules! hash_class {
    ($ty:ident, $def:ident, $module:literal, $name:literal, $digest:expr, { $($slots:tt)* }) => {
        payload! {
            pub struct $ty: $def {
                state: Locked<Data<State>>,
            }
        }
        impl Hash for $ty {
            fn with(state: State) -> $ty {
                $ty { header: unborn(), state: Locked::new(Data(state)) }
            }
            fn lock<'g>(&'g self, th: &'g mut Thread) -> LockedGuard<'g, Data<State>> {
                self.state.lock(&self.header, th)
            }
        }
        pub static $def: TypeDef = TypeDef {
            module: $module,
            methods: &[
                NativeDef::new("copy", "($self, /)", copy::<$ty>, "Return a copy of the hash object."),
                NativeDef::new(
                    "digest",
                    $digest,
                    digest::<$ty>,
                    "Return the digest value as a bytes object.",
                ),
                NativeDef::new(
                    "hexdigest",
                    $digest,
                    hexdigest::<$ty>,
                    "Return the digest value as a string of hexadecimal digits.",
                ),
                NativeDef::new(
                    "update",
                    "($self, obj, /)",
                    update::<$ty>,
                    "Update this hash object's state with the provided string.",
                ),
            ],
            getset: &[
                GetSetDef::get("name", |th, o| {
                    let name = fact::<$ty>(th, o).0;
                    Ok(th.new_str(name))
                }),
                GetSetDef::get("block_size", |th, o| {
                    let n = fact::<$ty>(th, o).1;
                    Ok(th.new_int(n as i64))
                }),
                GetSetDef::get("digest_size", |th, o| {
                    let n = fact::<$ty>(th, o).2;
                    Ok(th.new_int(n as i64))
                }),
            ],
            $($slots)*
            ..TypeDef::of::<$ty>($name)
        };
    };
    ($ty:ident, $def:ident, $module:literal, $name:literal) => {
        hash_class!($ty, $def, $module, $name, "($self, /)", { flags: type_flags::NO_NEW, });
    };
}

/// Declares a class that is its own constructor function, of a sponge.
macro_rules! sponge_class {
    ($ty:ident, $def:ident, $name:literal, $digest:literal, $sponge:expr) => {
        hash_class!($ty, $def, "_sha3", $name, $digest, {
            slots: Slots {
                new: Some(|th, ty, args| new_sponge::<$ty>(th, ty, args, $sponge)),
                ..Slots::NONE
            },
        });
    };
}

fn new_sponge<T: Hash>(th: &mut Thread, ty: &Type, args: Args<'_>, sponge: Sponge) -> PyResult {
    let a = constructor::<T>(th, ty, "(data=b'', *, usedforsecurity=True, string=None)", args)?;
    let mut state = State::Sponge(sponge);
    if let Some(data) = first_data(th, a.opt(0), a.some(2))? {
        feed(th, &mut state, data)?;
    }
    made(th, ty, T::with(state))
}

hash_class!(Md5Hash, MD5, "_md5", "md5");
hash_class!(Sha1Hash, SHA1, "_sha1", "sha1");
hash_class!(Sha224Hash, SHA224, "_sha2", "SHA224Type");
hash_class!(Sha256Hash, SHA256, "_sha2", "SHA256Type");
hash_class!(Sha384Hash, SHA384, "_sha2", "SHA384Type");
hash_class!(Sha512Hash, SHA512, "_sha2", "SHA512Type");

const LENGTH: &str = "($self, length, /)";
sponge_class!(Sha3x224, SHA3_224, "sha3_224", "($self, /)", Sponge::sha3("sha3_224", 28));
sponge_class!(Sha3x256, SHA3_256, "sha3_256", "($self, /)", Sponge::sha3("sha3_256", 32));
sponge_class!(Sha3x384, SHA3_384, "sha3_384", "($self, /)", Sponge::sha3("sha3_384", 48));
sponge_class!(Sha3x512, SHA3_512, "sha3_512", "($self, /)", Sponge::sha3("sha3_512", 64));
hash_class!(Shake128, SHAKE_128, "_sha3", "shake_128", LENGTH, {
    slots: Slots { new: Some(|th, ty, args| new_sponge::<Shake128>(th, ty, args, Sponge::shake("shake_128", 16))), ..Slots::NONE },
});
hash_class!(Shake256, SHAKE_256, "_sha3", "shake_256", LENGTH, {
    slots: Slots { new: Some(|th, ty, args| new_sponge::<Shake256>(th, ty, args, Sponge::shake("shake_256", 32))), ..Slots::NONE },
});
hash_class!(Blake2bHash, BLAKE2B, "_blake2", "blake2b", "($self, /)", {
    flags: type_flags::BASE,
    slots: Slots { new: Some(|th, ty, args| new_blake2::<Blake2bHash>(th, ty, args, 64)), ..Slots::NONE },
});
hash_class!(Blake2sHash, BLAKE2S, "_blake2", "blake2s", "($self, /)", {
    flags: type_flags::BASE,
    slots: Slots { new: Some(|th, ty, args| new_blake2::<Blake2sHash>(th, ty, args, 32)), ..Slots::NONE },
});

macro_rules! function {
    ($name:literal, $ty:ty, $state:expr) => {
        NativeDef::new(
            $name,
            MAKE,
            |th, a| begin::<$ty>(th, a, $state),
            concat!("Return a new ", $name, " hash object; optionally initialized with a string."),
        )
    };
}

fn gil_minsize(th: &mut Thread, module: Borrowed<'_>) -> PyResult<()> {
    module.add_int(th, "_GIL_MINSIZE", 2048)
}

pub static MD5_MODULE: ModuleDef = ModuleDef {
    name: "_md5",
    doc: "",
    functions: &[function!("md5", Md5Hash, State::Md5(md5::Md5::new()))],
    types: &[&MD5],
    setup: Some(|th, module| {
        module.add(th, "MD5Type", MD5.ty().as_value().to_owned())?;
        gil_minsize(th, module)
    }),
};

pub static SHA1_MODULE: ModuleDef = ModuleDef {
    name: "_sha1",
    doc: "",
    functions: &[function!("sha1", Sha1Hash, State::Sha1(sha1::Sha1::new()))],
    types: &[&SHA1],
    setup: Some(|th, module| {
        module.add(th, "SHA1Type", SHA1.ty().as_value().to_owned())?;
        gil_minsize(th, module)
    }),
};

pub static SHA2_MODULE: ModuleDef = ModuleDef {
    name: "_sha2",
    doc: "",
    functions: &[
        function!("sha224", Sha224Hash, State::Sha224(sha2::Sha224::new())),
        function!("sha256", Sha256Hash, State::Sha256(sha2::Sha256::new())),
        function!("sha384", Sha384Hash, State::Sha384(sha2::Sha384::new())),
        function!("sha512", Sha512Hash, State::Sha512(sha2::Sha512::new())),
    ],
    types: &[&SHA224, &SHA256, &SHA384, &SHA512],
    setup: Some(gil_minsize),
};

pub static SHA3_MODULE: ModuleDef = ModuleDef {
    name: "_sha3",
    doc: "",
    functions: &[],
    types: &[&SHA3_224, &SHA3_256, &SHA3_384, &SHA3_512, &SHAKE_128, &SHAKE_256],
    setup: Some(|th, module| {
        let name = th.new_str("Keccak");
        module.add(th, "implementation", name)?;
        gil_minsize(th, module)
    }),
};

pub static BLAKE2_MODULE: ModuleDef = ModuleDef {
    name: "_blake2",
    doc: "_blake2b provides BLAKE2b for hashlib\n",
    functions: &[],
    types: &[&BLAKE2B, &BLAKE2S],
    setup: Some(|th, module| {
        for (ty, prefix, size) in [(BLAKE2B.ty(), "BLAKE2B", 64), (BLAKE2S.ty(), "BLAKE2S", 32)] {
            let limits = [
                ("SALT_SIZE", size / 4),
                ("PERSON_SIZE", size / 4),
                ("MAX_KEY_SIZE", size),
                ("MAX_DIGEST_SIZE", size),
            ];
            for (name, n) in limits {
                let v = th.new_int(n);
                ty.set_builtin(th, name, v)?;
                module.add_int(th, &format!("{prefix}_{name}"), n)?;
            }
        }
        gil_minsize(th, module)
    }),
};

const BLAKE2: &str = "(data=b'', /, *, digest_size=None, key=b'', salt=b'', person=b'', fanout=1, depth=1, \
                      leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, \
                      usedforsecurity=True, string=None)";

/// A bytes-like argument of at most `max` bytes.
fn short_bytes(th: &mut Thread, v: Option<Borrowed<'_>>, what: &str, max: usize) -> PyResult<Vec<u8>> {
    let Some(v) = v else { return Ok(Vec::new()) };
    let b = buffer::bytes_like(th, v)?.to_vec();
    if b.len() > max {
        return Err(th.value_error(&format!("maximum {what} length is {max} bytes")));
    }
    Ok(b)
}

/// An integer argument of a tree parameter; `{}` in the message stands for it.
fn bounded(
    th: &mut Thread,
    v: Option<Borrowed<'_>>,
    default: u64,
    low: u64,
    high: u64,
    bad: &str,
) -> PyResult<u64> {
    let Some(v) = v else { return Ok(default) };
    let n = v.index(th)?;
    let n = match n.borrow().as_int() {
        Some(typhon_core::builtins::int::IntRef::Small(n)) => i128::from(n),
        Some(typhon_core::builtins::int::IntRef::Big(n)) => i128::try_from(n).unwrap_or(i128::MAX),
        None => -1,
    };
    match u64::try_from(n) {
        Ok(n) if (low..=high).contains(&n) => Ok(n),
        _ if bad.contains("is too large") => Err(th.overflow_error(bad)),
        _ => Err(th.value_error(&bad.replace("{}", &n.to_string()))),
    }
}

fn new_blake2<T: Hash>(th: &mut Thread, ty: &Type, args: Args<'_>, size: usize) -> PyResult {
    let a = constructor::<T>(th, ty, BLAKE2, args)?;
    let a = &a[..];
    let max = size as u64;
    let digest_size = bounded(
        th,
        a.some(1),
        max,
        1,
        max,
        &format!("digest_size for {} must be between 1 and {max} bytes, here it is {{}}", T::DEF.name),
    )?;
    let key = short_bytes(th, a.opt(2), "key", size)?;
    let salt = short_bytes(th, a.opt(3), "salt", size / 4)?;
    let person = short_bytes(th, a.opt(4), "person", size / 4)?;
    let offset_bits = if size == 64 { 64 } else { 48 };
    let p = Parameters {
        digest_size: digest_size as u8,
        key,
        salt,
        person,
        fanout: bounded(th, a.opt(5), 1, 0, 255, "fanout must be between 0 and 255")? as u8,
        depth: bounded(th, a.opt(6), 1, 1, 255, "depth must be between 1 and 255")? as u8,
        leaf_size: bounded(th, a.opt(7), 0, 0, u32::MAX.into(), "leaf_size is too large")? as u32,
        node_offset: bounded(th, a.opt(8), 0, 0, u64::MAX >> (64 - offset_bits), "node_offset is too large")?,
        node_depth: bounded(th, a.opt(9), 0, 0, 255, "node_depth must be between 0 and 255")? as u8,
        inner_size: bounded(th, a.opt(10), 0, 0, max, &format!("inner_size must be between 0 and is {max}"))?
            as u8,
        last_node: match a.opt(11) {
            Some(v) => v.truth(th)?,
            None => false,
        },
    };
    let mut state = if size == 64 {
        State::Blake2b(Box::new(Blake2b::new(&p)))
    } else {
        State::Blake2s(Box::new(Blake2s::new(&p)))
    };
    if let Some(data) = first_data(th, a.opt(0), a.some(13))? {
        feed(th, &mut state, data)?;
    }
    made(th, ty, T::with(state))
}
