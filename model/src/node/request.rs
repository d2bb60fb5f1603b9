//! What a request is about, and how far it has come.

/// Who asks, since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Caller {
    pub(crate) session: usize,
    pub(crate) began: u8,
    /// The server knew already that the session is over.
    pub(crate) is_barred: bool,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    #[default]
    None,
    Began(Caller),
    /// It saw that the lease holds.
    Leased(Caller),
    /// It saw that the entry is good, before it looked at the lease: if that is what is wrong.
    Marked(Caller),
    /// It is let in from memory.
    LetIn(Caller),
    /// It has a ticket, which is good until something is forgotten.
    Asks {
        caller: Caller,
        may_keep: bool,
    },
    /// It has read that the session lives, and is let in.
    Living {
        caller: Caller,
        may_keep: bool,
    },
    /// It has read that the session is over.
    Dead(Caller),
    /// Its entry is in the directory, and not yet in the map.
    Keeps {
        caller: Caller,
        is_marked: bool,
    },
}

impl Request {
    /// Whom it has let in.
    pub(crate) fn let_in(&self) -> Option<&Caller> {
        match self {
            Self::LetIn(caller) | Self::Living { caller, .. } => Some(caller),
            _ => None,
        }
    }

    pub(super) fn caller(&mut self) -> Option<&mut Caller> {
        match self {
            Self::None => None,
            Self::Began(caller)
            | Self::Leased(caller)
            | Self::Marked(caller)
            | Self::LetIn(caller)
            | Self::Dead(caller)
            | Self::Asks { caller, .. }
            | Self::Living { caller, .. }
            | Self::Keeps { caller, .. } => Some(caller),
        }
    }

    /// When it began, where that still matters.
    pub(super) fn may_be_let_in(&self) -> Option<u8> {
        match self {
            Self::Began(caller) | Self::Marked(caller) | Self::Leased(caller) | Self::LetIn(caller) => {
                Some(caller.began)
            }
            _ => None,
        }
    }

    /// Something was forgotten: a ticket is void, and an entry of that session is marked.
    pub(super) fn forget(&mut self, session: usize) {
        match self {
            Self::Asks { may_keep, .. } | Self::Living { may_keep, .. } => *may_keep = false,
            Self::Keeps { caller, is_marked } if caller.session == session => *is_marked = true,
            _ => {}
        }
    }
}
