//! The possible steps and their effects.

mod request;
mod tail;

use crate::{Argument, BrokenRule, Fault, SESSIONS, World, database::Ending, node::Tail};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Tick,
    /// A transaction that ends a session takes its position in the feed.
    Open(usize),
    /// It commits.
    Commit(usize),
    /// The server that has ended a session invalidates it.
    Invalidate(usize),
    /// The oldest row of the feed is removed.
    Prune(usize),
    /// A replica takes over, and reads from the old database fail.
    Replace,
    /// The read of the feed proceeds.
    Tail,
    /// A request begins: its index, and its session.
    Begin(usize, usize),
    /// A request proceeds.
    Request(usize),
}

/// Adds the steps that are possible now.
pub(crate) fn possible(argument: &Argument, world: &World, steps: &mut Vec<Step>) {
    if world.now < argument.end {
        steps.push(Step::Tick);
    }
    (0..argument.sessions).for_each(|session| steps.extend(ending_step(argument, world, session)));
    steps.extend(fault_step(argument, world));
    steps.push(Step::Tail);
    request::possible(argument, &world.node, steps);
}

fn fault_step(argument: &Argument, world: &World) -> Option<Step> {
    match argument.fault? {
        Fault::Prune => world.database.oldest_row().map(Step::Prune),
        Fault::Replace => (!world.database.is_replaced).then_some(Step::Replace),
    }
}

fn ending_step(argument: &Argument, world: &World, session: usize) -> Option<Step> {
    match world.database.endings[session] {
        Ending::None => world.database.may_open(session, argument.broken).then_some(Step::Open(session)),
        Ending::Open { .. } => Some(Step::Commit(session)),
        Ending::Committed { is_invalidated, .. } => {
            (session == 0 && !is_invalidated).then_some(Step::Invalidate(session))
        }
    }
}

/// Applies a step.
pub(crate) fn apply(argument: &Argument, world: &mut World, step: Step) {
    let (now, broken) = (world.now, argument.broken);
    match step {
        Step::Tick => world.now += 1,
        Step::Open(session) => world.database.open(session),
        Step::Commit(session) => world.database.commit(session, now),
        Step::Invalidate(session) => invalidate(world, session, broken),
        Step::Prune(row) => world.database.prune(row),
        Step::Replace => replace(world, broken),
        Step::Tail => tail::proceed(&mut world.node, &world.database, now, broken),
        Step::Begin(request, session) => request::begin(&mut world.node, request, session, now),
        Step::Request(request) => request::proceed(&mut world.node, request, &world.database, broken),
    }
    let now = world.now;
    world.node.normalise(now);
    world.database.normalise(world.node.oldest_request(now));
}

/// The server that ended the session invalidates it, before it responds to its client.
fn invalidate(world: &mut World, session: usize, broken: Option<BrokenRule>) {
    if let Ending::Committed { is_invalidated, .. } = &mut world.database.endings[session] {
        *is_invalidated = true;
    }
    if broken != Some(BrokenRule::EndedAndCached) {
        world.node.invalidate(session);
    }
    world.node.known_ended[session] = true;
}

fn replace(world: &mut World, broken: Option<BrokenRule>) {
    world.database.replace();
    // a session whose end was lost is live
    for session in (0..SESSIONS).filter(|session| world.database.is_live(*session)) {
        world.node.revive(session);
    }
    world.node.tail = Tail::Idle;
    if broken != Some(BrokenRule::LossNotNoticed) {
        world.node.read = None;
    }
}
