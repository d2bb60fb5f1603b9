//! The steps of a read of the feed: reads the head, reads the rows, invalidates their sessions, renews the lease.

use crate::{
    BrokenRule, SESSIONS,
    database::Database,
    node::{Node, Tail},
};

pub(crate) fn proceed(node: &mut Node, database: &Database, now: u8, broken: Option<BrokenRule>) {
    node.tail = match node.tail.clone() {
        Tail::Idle => Tail::Began { began: now },
        Tail::Began { began } => Tail::Head { began, head: database.head },
        Tail::Head { began, head } => {
            let began = if broken == Some(BrokenRule::LeaseFromTheResult) { now } else { began };
            let ended = node.read.and_then(|after| database.unread(after, head, broken));
            Tail::Rows { began, head, ended, is_renewed: false }
        }
        Tail::Rows { began, head, ended, is_renewed: false }
            if broken == Some(BrokenRule::RenewedBeforeInvalidating) =>
        {
            node.lease = began;
            Tail::Rows { began, head, ended, is_renewed: true }
        }
        Tail::Rows { began, head, ended, .. } => invalidate(node, began, head, ended),
        Tail::Invalidated { began } => {
            node.lease = began;
            Tail::Idle
        }
    };
}

/// Invalidates one of the ended sessions, or everything.
fn invalidate(node: &mut Node, began: u8, head: u8, ended: Option<[bool; SESSIONS]>) -> Tail {
    let mut left = ended.unwrap_or_default();
    match left.iter().position(|is_ended| *is_ended) {
        Some(session) => {
            node.invalidate(session);
            (node.known_ended[session], left[session]) = (true, false);
        }
        None if ended.is_none() => node.invalidate_all(),
        None => {}
    }
    if left.contains(&true) {
        return Tail::Rows { began, head, ended: Some(left), is_renewed: true };
    }
    node.read = Some(head);
    Tail::Invalidated { began }
}
