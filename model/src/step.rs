//! What can happen next, and what comes of it.

mod request;
mod tail;

use crate::{Argument, Fault, SESSIONS, Trouble, World, database::Ending, node::Tail};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Tick,
    /// A transaction that ends a session takes its position in the feed.
    Open(usize),
    /// It commits.
    Commit(usize),
    /// The server that has ended a session forgets it.
    Heed(usize),
    /// The oldest row of the feed is removed.
    Prune(usize),
    /// Another database takes over, and everybody who reads from the old one fails.
    Replace,
    /// The reading of the feed goes on.
    Tail,
    /// A request begins, for a session.
    Begin(usize, usize),
    /// It goes on.
    Request(usize),
}

/// Everything that can happen now.
pub(crate) fn possible(argument: &Argument, world: &World, steps: &mut Vec<Step>) {
    if world.now < argument.end {
        steps.push(Step::Tick);
    }
    (0..argument.sessions).for_each(|session| steps.extend(of_ending(argument, world, session)));
    steps.extend(of_trouble(argument, world));
    steps.push(Step::Tail);
    request::possible(argument, &world.node, steps);
}

fn of_trouble(argument: &Argument, world: &World) -> Option<Step> {
    match argument.trouble? {
        Trouble::Prune => world.database.oldest().map(Step::Prune),
        Trouble::Replace => (!world.database.is_replaced).then_some(Step::Replace),
    }
}

fn of_ending(argument: &Argument, world: &World, session: usize) -> Option<Step> {
    match world.database.endings[session] {
        Ending::None => world.database.may_open(session, argument.fault).then_some(Step::Open(session)),
        Ending::Open { .. } => Some(Step::Commit(session)),
        Ending::Over { is_heeded, .. } => (session == 0 && !is_heeded).then_some(Step::Heed(session)),
    }
}

/// What comes of a step.
pub(crate) fn take(argument: &Argument, world: &mut World, step: Step) {
    let (now, fault) = (world.now, argument.fault);
    match step {
        Step::Tick => world.now += 1,
        Step::Open(session) => world.database.open(session),
        Step::Commit(session) => world.database.commit(session, now),
        Step::Heed(session) => heed(world, session, fault),
        Step::Prune(place) => world.database.prune(place),
        Step::Replace => replace(world, fault),
        Step::Tail => tail::go_on(&mut world.node, &world.database, now, fault),
        Step::Begin(place, session) => request::begin(&mut world.node, place, session, now),
        Step::Request(place) => request::go_on(&mut world.node, place, &world.database, fault),
    }
    let now = world.now;
    world.node.tidy(now);
    world.database.tidy(world.node.oldest(now));
}

/// The transaction is known to have committed, and after this step so is the end to whoever asked for it.
fn heed(world: &mut World, session: usize, fault: Option<Fault>) {
    if let Ending::Over { is_heeded, .. } = &mut world.database.endings[session] {
        *is_heeded = true;
    }
    if fault != Some(Fault::EndedAndKept) {
        world.node.forget(session);
    }
    world.node.barred[session] = true;
}

fn replace(world: &mut World, fault: Option<Fault>) {
    world.database.replace();
    // an end that was lost is none
    for session in (0..SESSIONS).filter(|session| world.database.lives(*session)) {
        world.node.acquit(session);
    }
    world.node.tail = Tail::Rests;
    if fault != Some(Fault::LossNotNoticed) {
        world.node.read = None;
    }
}
