//! The rules of the protocol that a test can break.

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BrokenRule {
    /// The cache is filled although something was invalidated since the row was read.
    FillGuardNotChecked,
    /// The lease counts from the result of the read, not from its start.
    LeaseFromTheResult,
    /// A request checks the entry's mark before the lease.
    MarkBeforeLease,
    /// A read renews the lease before it invalidates.
    RenewedBeforeInvalidating,
    /// Positions are assigned without a lock, as by a sequence: a later one may become visible before an earlier one.
    PositionsOutOfOrder,
    /// A read does not count its rows.
    GapsNotNoticed,
    /// After a failed read, the next one continues at the same position, although the database may have lost rows.
    LossNotNoticed,
    /// A request that finds its session ended in the database does not invalidate the cache.
    RefusedAndCached,
    /// The server that ends a session invalidates it only when it reads the feed.
    EndedAndCached,
}
