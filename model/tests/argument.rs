//! Checks that the argument holds in every order of steps, and that each rule is necessary.

use model::{Argument, BrokenRule, Fault};
use stateright::{Checker, HasDiscoveries, Model};

/// One session and one request. The tests add to it.
const SMALL: Argument = Argument { requests: 1, sessions: 1, end: 4, fault: None, broken: None };

/// Checks all states of an argument.
fn holds(argument: Argument) {
    let checked = argument.checker().spawn_bfs().join();
    println!("{} states of {argument:?}", checked.unique_state_count());
    checked.assert_properties();
}

/// Breaks a rule, and checks that the checker finds a violation of the property.
fn breaks(broken: BrokenRule, property: &'static str, argument: Argument) {
    // two ticks are enough for the shortest counterexample
    let argument = Argument { broken: Some(broken), end: 2, ..argument };
    let checked = argument.checker().finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join();
    let found = checked.discovery(property);
    let steps = found.unwrap_or_else(|| panic!("{broken:?} is not found")).into_actions();
    println!("{broken:?}: {property}: violated after {steps:?}");
}

const LATE: &str = "no request is admitted after the bound";
const RESURRECTED: &str = "a refused session stays refused";

#[test]
fn argument_holds_with_concurrent_requests() {
    holds(Argument { requests: 2, ..SMALL });
}

#[test]
fn argument_holds_with_concurrent_endings() {
    holds(Argument { sessions: 2, end: 3, ..SMALL });
}

#[test]
fn argument_holds_when_rows_are_pruned() {
    holds(Argument { fault: Some(Fault::Prune), ..SMALL });
}

#[test]
fn argument_holds_when_the_database_is_replaced() {
    holds(Argument { fault: Some(Fault::Replace), ..SMALL });
    holds(Argument { fault: Some(Fault::Replace), sessions: 2, end: 2, ..SMALL });
}

#[test]
fn fill_guard_is_needed() {
    breaks(BrokenRule::FillGuardNotChecked, LATE, SMALL);
}

#[test]
fn lease_must_count_from_the_start_of_the_read() {
    breaks(BrokenRule::LeaseFromTheResult, LATE, SMALL);
}

#[test]
fn lease_must_be_checked_before_the_mark() {
    breaks(BrokenRule::MarkBeforeLease, LATE, SMALL);
}

#[test]
fn read_must_invalidate_before_it_renews() {
    breaks(BrokenRule::RenewedBeforeInvalidating, LATE, SMALL);
}

#[test]
fn positions_must_become_visible_in_order() {
    breaks(BrokenRule::PositionsOutOfOrder, LATE, Argument { sessions: 2, ..SMALL });
}

#[test]
fn rows_must_be_counted() {
    breaks(BrokenRule::GapsNotNoticed, LATE, Argument { fault: Some(Fault::Prune), ..SMALL });
}

#[test]
fn failed_read_must_start_anew() {
    breaks(BrokenRule::LossNotNoticed, LATE, Argument { fault: Some(Fault::Replace), sessions: 2, ..SMALL });
}

#[test]
fn refusal_must_invalidate() {
    breaks(BrokenRule::RefusedAndCached, RESURRECTED, SMALL);
}

#[test]
fn ending_must_invalidate_on_its_own_node() {
    breaks(BrokenRule::EndedAndCached, RESURRECTED, SMALL);
}
