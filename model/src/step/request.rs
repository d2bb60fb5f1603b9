//! The steps of a request: it checks the lease, then the cache entry, and otherwise reads the database and fills the
//! cache.

use super::Step;
use crate::{
    Argument, BrokenRule,
    database::Database,
    node::{Caller, Node, Request},
};

pub(crate) fn possible(argument: &Argument, node: &Node, steps: &mut Vec<Step>) {
    for (index, request) in node.requests.iter().enumerate() {
        match request {
            Request::None => steps.extend((0..argument.sessions).map(|session| Step::Begin(index, session))),
            _ => steps.push(Step::Request(index)),
        }
    }
}

pub(crate) fn begin(node: &mut Node, index: usize, session: usize, now: u8) {
    node.requests[index] = Request::Began(Caller { session, began: now, is_known_ended: node.known_ended[session] });
}

pub(crate) fn proceed(node: &mut Node, index: usize, database: &Database, broken: Option<BrokenRule>) {
    // the start no longer matters to a request that reads the database
    let read = |caller| Request::Reads { caller: Caller { began: 0, ..caller }, may_fill: true };
    node.requests[index] = match node.requests[index] {
        Request::Began(caller) if broken == Some(BrokenRule::MarkBeforeLease) => {
            if node.cached[caller.session] {
                Request::Marked(caller)
            } else {
                read(caller)
            }
        }
        Request::Began(caller) => {
            if node.holds_lease(caller.began) {
                Request::Leased(caller)
            } else {
                read(caller)
            }
        }
        Request::Marked(caller) => {
            if node.holds_lease(caller.began) {
                Request::Admitted(caller)
            } else {
                read(caller)
            }
        }
        Request::Leased(caller) => {
            if node.cached[caller.session] {
                Request::Admitted(caller)
            } else {
                read(caller)
            }
        }
        Request::Reads { caller, may_fill } if database.is_live(caller.session) => Request::Live { caller, may_fill },
        Request::Reads { caller, .. } => Request::Ended(caller),
        Request::Live { caller, may_fill } => fill(caller, may_fill || broken == Some(BrokenRule::FillGuardNotChecked)),
        Request::Ended(caller) => refuse(node, caller, database, broken),
        Request::Fills { caller, is_marked } => {
            node.cached[caller.session] = !is_marked;
            Request::None
        }
        Request::None | Request::Admitted(_) => Request::None,
    };
}

fn fill(caller: Caller, may_fill: bool) -> Request {
    if may_fill { Request::Fills { caller, is_marked: false } } else { Request::None }
}

fn refuse(node: &mut Node, caller: Caller, database: &Database, broken: Option<BrokenRule>) -> Request {
    if broken != Some(BrokenRule::RefusedAndCached) {
        node.invalidate(caller.session);
    }
    node.known_ended[caller.session] = !database.is_live(caller.session);
    Request::None
}
