//! Whether an account may be used, what it may do, and how it ends: decisions of its user and of an operator.

mod delete;
mod export;
mod role;
mod suspend;

pub use delete::Deletion;
pub(super) use delete::Remnants;
pub use export::AccountExport;
pub(super) use suspend::refuse_suspended;
