//! A request: memory first, by the lease and then the mark, and else the database, which may fill the memory.

use super::Step;
use crate::{
    Argument, Fault,
    database::Database,
    node::{Caller, Node, Request},
};

pub(crate) fn possible(argument: &Argument, node: &Node, steps: &mut Vec<Step>) {
    for (place, request) in node.requests.iter().enumerate() {
        match request {
            Request::None => steps.extend((0..argument.sessions).map(|session| Step::Begin(place, session))),
            _ => steps.push(Step::Request(place)),
        }
    }
}

pub(crate) fn begin(node: &mut Node, place: usize, session: usize, now: u8) {
    node.requests[place] = Request::Began(Caller { session, began: now, is_barred: node.barred[session] });
}

pub(crate) fn go_on(node: &mut Node, place: usize, database: &Database, fault: Option<Fault>) {
    // when it began is of no account to a request that asks the database
    let asks = |caller| Request::Asks { caller: Caller { began: 0, ..caller }, may_keep: true };
    node.requests[place] = match node.requests[place] {
        Request::Began(caller) if fault == Some(Fault::MarkBeforeLease) => {
            if node.holds[caller.session] {
                Request::Marked(caller)
            } else {
                asks(caller)
            }
        }
        Request::Began(caller) => {
            if node.holds_lease(caller.began) {
                Request::Leased(caller)
            } else {
                asks(caller)
            }
        }
        Request::Marked(caller) => {
            if node.holds_lease(caller.began) {
                Request::LetIn(caller)
            } else {
                asks(caller)
            }
        }
        Request::Leased(caller) => {
            if node.holds[caller.session] {
                Request::LetIn(caller)
            } else {
                asks(caller)
            }
        }
        Request::Asks { caller, may_keep } if database.lives(caller.session) => Request::Living { caller, may_keep },
        Request::Asks { caller, .. } => Request::Dead(caller),
        Request::Living { caller, may_keep } => keep(caller, may_keep || fault == Some(Fault::TicketNotChecked)),
        Request::Dead(caller) => refuse(node, caller, database, fault),
        Request::Keeps { caller, is_marked } => {
            node.holds[caller.session] = !is_marked;
            Request::None
        }
        Request::None | Request::LetIn(_) => Request::None,
    };
}

fn keep(caller: Caller, may_keep: bool) -> Request {
    if may_keep { Request::Keeps { caller, is_marked: false } } else { Request::None }
}

fn refuse(node: &mut Node, caller: Caller, database: &Database, fault: Option<Fault>) -> Request {
    if fault != Some(Fault::RefusedAndKept) {
        node.forget(caller.session);
    }
    node.barred[caller.session] = !database.lives(caller.session);
    Request::None
}
