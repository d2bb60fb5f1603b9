//! The argument holds in every order of steps, and none of its rules can be spared.

use model::{Argument, Fault, Trouble};
use stateright::{Checker, HasDiscoveries, Model};

/// One session, one request at a time: each test says what it has more of.
const SMALL: Argument = Argument { requests: 1, sessions: 1, end: 4, trouble: None, fault: None };

/// Goes through everything, which `argument` must stand.
fn holds(argument: Argument) {
    let checked = argument.checker().spawn_bfs().join();
    println!("{} states of {argument:?}", checked.unique_state_count());
    checked.assert_properties();
}

/// Breaks a rule, and wants to be shown how that is seen from outside.
fn breaks(fault: Fault, property: &'static str, argument: Argument) {
    // the bound and one tick: the shortest way there needs no more
    let argument = Argument { fault: Some(fault), end: 2, ..argument };
    let checked = argument.checker().finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join();
    let found = checked.discovery(property);
    let steps = found.unwrap_or_else(|| panic!("{fault:?} is not found")).into_actions();
    println!("{fault:?}: {property}: not so after {steps:?}");
}

const LATE: &str = "nobody is let in after the bound";
const RESURRECTED: &str = "who is gone stays gone";

#[test]
fn it_holds_with_requests_that_overtake_each_other() {
    holds(Argument { requests: 2, ..SMALL });
}

#[test]
fn it_holds_with_sessions_that_end_at_once() {
    holds(Argument { sessions: 2, end: 3, ..SMALL });
}

#[test]
fn it_holds_when_rows_go_missing() {
    holds(Argument { trouble: Some(Trouble::Prune), ..SMALL });
}

#[test]
fn it_holds_when_the_database_is_replaced() {
    holds(Argument { trouble: Some(Trouble::Replace), ..SMALL });
    holds(Argument { trouble: Some(Trouble::Replace), sessions: 2, end: 2, ..SMALL });
}

#[test]
fn the_ticket_is_needed() {
    breaks(Fault::TicketNotChecked, LATE, SMALL);
}

#[test]
fn the_lease_counts_from_the_question() {
    breaks(Fault::LeaseFromTheAnswer, LATE, SMALL);
}

#[test]
fn the_lease_comes_before_the_mark() {
    breaks(Fault::MarkBeforeLease, LATE, SMALL);
}

#[test]
fn a_reading_forgets_before_it_renews() {
    breaks(Fault::RenewedBeforeForgetting, LATE, SMALL);
}

#[test]
fn positions_become_visible_in_order() {
    breaks(Fault::PositionsOutOfOrder, LATE, Argument { sessions: 2, ..SMALL });
}

#[test]
fn rows_are_counted() {
    breaks(Fault::GapsNotNoticed, LATE, Argument { trouble: Some(Trouble::Prune), ..SMALL });
}

#[test]
fn a_reading_that_failed_begins_anew() {
    breaks(Fault::LossNotNoticed, LATE, Argument { trouble: Some(Trouble::Replace), sessions: 2, ..SMALL });
}

#[test]
fn whoever_is_refused_is_forgotten() {
    breaks(Fault::RefusedAndKept, RESURRECTED, SMALL);
}

#[test]
fn where_it_was_ended_it_counts_at_once() {
    breaks(Fault::EndedAndKept, RESURRECTED, SMALL);
}
