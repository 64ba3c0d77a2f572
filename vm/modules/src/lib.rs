//! The native modules of Typhon's standard library.
//!
//! Each module is one [`ModuleDef`] in a file (or folder) of its name. A module exists for `import` when
//! it stands in [`MODULES`].

pub mod abc;
pub mod args;
pub mod array;
pub mod ast;
pub mod asyncio;
pub mod atexit;
pub mod base64;
pub mod binascii;
pub mod bisect;
pub mod cmath;
pub mod codecs;
pub mod collections;
pub mod contextvars;
pub mod csv;
pub mod decimal;
pub mod errno;
pub mod fcntl;
pub mod functools;
pub mod gc;
pub mod hashes;
pub mod heapq;
pub mod imp;
pub mod io;
pub mod itertools;
pub mod json;
pub mod library;
pub mod lsprof;
pub mod marshal;
pub mod math;
pub mod mmap;
pub mod multiprocessing;
pub mod opcode;
pub mod operator;
pub mod pickle;
pub mod posix;
pub mod posix_shmem;
pub mod posix_subprocess;
pub mod pwd;
pub mod queue;
pub mod random;
pub mod resource;
pub mod select;
pub mod signal;
pub mod socket;
pub mod sre;
pub mod startup;
pub mod stat;
pub mod statistics;
pub mod string;
pub mod struct_;
pub mod support;
pub mod thread;
pub mod time;
pub mod tokenize;
pub mod types;
pub mod typhonlib;
pub mod typing;
pub mod unicodedata;
pub mod uuid;
pub mod warnings;
pub mod weakref;
pub mod zlib;

use typhon_core::ModuleDef;

/// Every native module, made when it is first imported. One per line, sorted.
#[rustfmt::skip]
pub static MODULES: &[&ModuleDef] = &[
    &abc::MODULE,
    &array::MODULE,
    &ast::MODULE,
    &asyncio::MODULE,
    &atexit::MODULE,
    &base64::MODULE,
    &binascii::MODULE,
    &bisect::MODULE,
    &cmath::MODULE,
    &codecs::MODULE,
    &collections::MODULE,
    &contextvars::MODULE,
    &csv::MODULE,
    &decimal::MODULE,
    &errno::MODULE,
    &fcntl::MODULE,
    &functools::MODULE,
    &gc::MODULE,
    &hashes::BLAKE2_MODULE,
    &hashes::MD5_MODULE,
    &hashes::SHA1_MODULE,
    &hashes::SHA2_MODULE,
    &hashes::SHA3_MODULE,
    &heapq::MODULE,
    &imp::MODULE,
    &io::MODULE,
    &itertools::MODULE,
    &json::MODULE,
    &lsprof::MODULE,
    &marshal::MODULE,
    &math::MODULE,
    &mmap::MODULE,
    &multiprocessing::MODULE,
    &opcode::MODULE,
    &operator::MODULE,
    &pickle::MODULE,
    &posix::MODULE,
    &posix_shmem::MODULE,
    &posix_subprocess::MODULE,
    &pwd::GRP_MODULE,
    &pwd::MODULE,
    &queue::MODULE,
    &random::MODULE,
    &resource::MODULE,
    &select::MODULE,
    &signal::MODULE,
    &socket::MODULE,
    &sre::MODULE,
    &stat::MODULE,
    &statistics::MODULE,
    &string::MODULE,
    &struct_::MODULE,
    &thread::MODULE,
    &time::MODULE,
    &tokenize::MODULE,
    &types::MODULE,
    &typhonlib::MODULE,
    &typing::MODULE,
    &unicodedata::MODULE,
    &uuid::MODULE,
    &warnings::MODULE,
    &weakref::MODULE,
    &zlib::MODULE,
];
