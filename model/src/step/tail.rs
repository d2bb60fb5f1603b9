//! A reading of the feed: the head, then the rows, then what is in them, then the lease.

use crate::{
    Fault, SESSIONS,
    database::Database,
    node::{Node, Tail},
};

pub(crate) fn go_on(node: &mut Node, database: &Database, now: u8, fault: Option<Fault>) {
    node.tail = match node.tail.clone() {
        Tail::Rests => Tail::Asked { asked: now },
        Tail::Asked { asked } => Tail::Head { asked, head: database.head },
        Tail::Head { asked, head } => {
            let asked = if fault == Some(Fault::LeaseFromTheAnswer) { now } else { asked };
            let named = node.read.and_then(|after| database.news(after, head, fault));
            Tail::News { asked, head, named, is_renewed: false }
        }
        Tail::News { asked, head, named, is_renewed: false } if fault == Some(Fault::RenewedBeforeForgetting) => {
            node.lease = asked;
            Tail::News { asked, head, named, is_renewed: true }
        }
        Tail::News { asked, head, named, .. } => forget(node, asked, head, named),
        Tail::Forgotten { asked } => {
            node.lease = asked;
            Tail::Rests
        }
    };
}

/// Forgets one of those that are named, or everything.
fn forget(node: &mut Node, asked: u8, head: u8, named: Option<[bool; SESSIONS]>) -> Tail {
    let mut left = named.unwrap_or_default();
    match left.iter().position(|is_named| *is_named) {
        Some(session) => {
            node.forget(session);
            (node.barred[session], left[session]) = (true, false);
        }
        None if named.is_none() => node.forget_all(),
        None => {}
    }
    if left.contains(&true) {
        return Tail::News { asked, head, named: Some(left), is_renewed: true };
    }
    node.read = Some(head);
    Tail::Forgotten { asked }
}
