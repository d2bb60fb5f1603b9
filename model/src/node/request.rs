//! The session of a request, and the request's progress.

/// The session of a request, and its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Caller {
    pub(crate) session: usize,
    pub(crate) began: u8,
    /// Whether the server knew at the start that the session ended.
    pub(crate) is_known_ended: bool,
}

/// The progress of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    #[default]
    None,
    Began(Caller),
    /// It checked that the lease is valid.
    Leased(Caller),
    /// It checked the entry before the lease, if that rule is broken.
    Marked(Caller),
    /// It is admitted from the cache.
    Admitted(Caller),
    /// It reads the database, with a fill guard that is valid until something is invalidated.
    Reads {
        caller: Caller,
        may_fill: bool,
    },
    /// It has read that the session is live, and is admitted.
    Live {
        caller: Caller,
        may_fill: bool,
    },
    /// It has read that the session ended.
    Ended(Caller),
    /// Its entry is in the directory, and not yet in the map.
    Fills {
        caller: Caller,
        is_marked: bool,
    },
}

impl Request {
    /// The caller, if it is admitted.
    pub(crate) fn admitted(&self) -> Option<&Caller> {
        match self {
            Self::Admitted(caller) | Self::Live { caller, .. } => Some(caller),
            _ => None,
        }
    }

    pub(super) fn caller(&mut self) -> Option<&mut Caller> {
        match self {
            Self::None => None,
            Self::Began(caller)
            | Self::Leased(caller)
            | Self::Marked(caller)
            | Self::Admitted(caller)
            | Self::Ended(caller)
            | Self::Reads { caller, .. }
            | Self::Live { caller, .. }
            | Self::Fills { caller, .. } => Some(caller),
        }
    }

    /// When it began, if it may still be admitted from the cache.
    pub(super) fn start_if_relevant(&self) -> Option<u8> {
        match self {
            Self::Began(caller) | Self::Marked(caller) | Self::Leased(caller) | Self::Admitted(caller) => {
                Some(caller.began)
            }
            _ => None,
        }
    }

    /// Applies an invalidation: voids a fill guard, and marks an entry of that session.
    pub(super) fn invalidate(&mut self, session: usize) {
        match self {
            Self::Reads { may_fill, .. } | Self::Live { may_fill, .. } => *may_fill = false,
            Self::Fills { caller, is_marked } if caller.session == session => *is_marked = true,
            _ => {}
        }
    }
}
