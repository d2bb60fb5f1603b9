//! The life cycle of an account: suspension, role, export and deletion, decided by its user or by an operator.

mod delete;
mod export;
mod role;
mod suspend;

pub(super) use delete::CheckpointDue;
pub use delete::Deletion;
pub use export::AccountExport;
pub(super) use suspend::refuse_suspended;
