//! `itertools`: functional tools for creating and using iterators.
//!
//! Source iterators stand in slots that are not written after construction unless the tool gives its
//! source up at the end. Positions are atomics that are always in range, so threads that share an
//! iterator can at worst see an item twice; `count`, `cycle` and the combinatoric tools hand out each
//! item once.

mod chain;
mod combinatoric;
mod filter;
mod group;
mod infinite;
mod islice;
mod tee;
mod zip;

use typhon_core::ModuleDef;

pub static MODULE: ModuleDef = ModuleDef {
    name: "itertools",
    doc: "Functional tools for creating and using iterators.\n\n\
          Infinite iterators:\n\
          count(start=0, step=1) --> start, start+step, start+2*step, ...\n\
          cycle(p) --> p0, p1, ... plast, p0, p1, ...\n\
          repeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times",
    functions: &[tee::TEE],
    types: &[
        &infinite::COUNT,
        &infinite::CYCLE,
        &infinite::REPEAT,
        &chain::ACCUMULATE,
        &chain::BATCHED,
        &chain::CHAIN,
        &chain::PAIRWISE,
        &chain::STARMAP,
        &filter::COMPRESS,
        &filter::DROPWHILE,
        &filter::FILTERFALSE,
        &filter::TAKEWHILE,
        &group::GROUPBY,
        &group::GROUPER,
        &islice::ISLICE,
        &zip::ZIP_LONGEST,
        &zip::PRODUCT,
        &combinatoric::COMBINATIONS,
        &combinatoric::WITH_REPLACEMENT,
        &combinatoric::PERMUTATIONS,
        &tee::TEE_ITERATOR,
        &tee::TEE_DATA,
    ],
    setup: None,
};
