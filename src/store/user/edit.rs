//! `Edit`: what a change says of one value.

/// What is to become of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// There is to be none.
    Clear,
    /// It is to be this.
    Set(T),
}
