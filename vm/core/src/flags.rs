//! Bits of the header's `flags` word. Bit 0 belongs to every kind; the others to the kind named.

/// Weak references to the object exist.
pub const HAS_WEAKREFS: u16 = 1 << 0;
/// Items lie behind a subclass's own values (offset = `basic_size` of the class).
pub const ITEMS_BEHIND_VALUES: u16 = 1 << 1;
/// str: every character is ASCII.
pub const STR_ASCII: u16 = 1 << 2;
/// str: two bytes per character.
pub const STR_TWO: u16 = 1 << 3;
/// str: four bytes per character.
pub const STR_FOUR: u16 = 1 << 4;
/// str: in the table of interned strings.
pub const STR_INTERNED: u16 = 1 << 5;
/// Function, method descriptor: a method call may pass self instead of binding.
pub const METHOD_LIKE: u16 = 1 << 6;
/// dict: a namespace of a module or class; its values keep bit 3 of deferred kinds.
pub const DICT_NAMESPACE: u16 = 1 << 7;
