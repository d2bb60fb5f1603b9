//! The rules for files: their first line, length and name.

use super::{files, read, sources};

/// The maximum number of lines, without tests.
const MAX_LINES: usize = 350;

#[test]
fn every_file_begins_with_its_purpose() {
    let undocumented: Vec<_> = files().into_iter().filter(|path| !read(path).starts_with("//! ")).collect();
    assert!(undocumented.is_empty(), "a file begins with `//!`: {undocumented:?}");
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources().into_iter().filter(|file| file.lines > MAX_LINES).map(|file| file.name).collect();
    assert!(long.is_empty(), "a file has at most {MAX_LINES} lines without its tests: {long:?}");
}

#[test]
fn no_file_is_named_mod_rs() {
    let old: Vec<_> = files().into_iter().filter(|path| path.ends_with("mod.rs")).collect();
    assert!(old.is_empty(), "use `name.rs` and `name/`, not `mod.rs`: {old:?}");
}
