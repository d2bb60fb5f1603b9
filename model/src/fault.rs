//! The rules that can be broken.

/// One rule, broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The cache is filled whatever was forgotten since the row was read.
    TicketNotChecked,
    /// The lease counts from the answer of the database, not from the question.
    LeaseFromTheAnswer,
    /// A request looks at the entry's mark before it looks at the lease.
    MarkBeforeLease,
    /// A reading renews the lease before it forgets.
    RenewedBeforeForgetting,
    /// Positions are taken without a lock, as from a sequence: a later one may be seen before an earlier one.
    PositionsOutOfOrder,
    /// A reading does not count the rows it was given.
    GapsNotNoticed,
    /// A reading that failed goes on where it was, though the database lost rows.
    LossNotNoticed,
    /// A request that finds its session over in the database leaves the memory as it is.
    RefusedAndKept,
    /// The server that ends a session waits to hear of it from the feed.
    EndedAndKept,
}
