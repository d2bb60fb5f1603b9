//! The reasons why a change of an account is refused, for a form to show.

/// The reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The login code belongs to another person.
    WrongPerson,
    /// The identity belongs to another account.
    IdentityTaken,
    /// The user does not have this identity.
    NoIdentity,
    /// The identity is the user's last one.
    LastIdentity,
    /// The ticket is unknown, was used, or has expired.
    TicketUsed,
    /// One of the accounts is suspended or scheduled for deletion.
    NotActive,
}
