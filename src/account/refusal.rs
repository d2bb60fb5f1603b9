//! Why an account cannot be changed as the caller wants: what a form shows.

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The code is that of somebody else.
    WrongPerson,
    /// The identity belongs to another account.
    IdentityTaken,
    /// The user has no such identity.
    NoIdentity,
    /// The identity is the user's last one.
    LastIdentity,
    /// The ticket is unknown, was used, or has expired.
    TicketUsed,
    /// One of the accounts is suspended, or will be deleted.
    NotActive,
}
