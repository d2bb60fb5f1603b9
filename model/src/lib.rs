//! A model of the argument in `src/account/session/cache.rs`, for a model checker: a database whose transactions commit
//! in any order, a server that tails the feed and authenticates from its cache, and time. Each step is atomic. Between
//! two steps any other steps can happen, and any time can pass.
//!
//! One server is enough: servers share only the database, and write nothing to it for their caches. The model leaves
//! out what only removes entries from the cache (age, eviction, the second clock), other lanes and stripes, and memory
//! orderings, which are pairs of `Acquire` and `Release`. It models the protocol and not the code; the names are those
//! of the code, and `tests/torture/` tests the code.
//!
//! A [`BrokenRule`] breaks one rule. The checker must then find how an ended session is admitted, or the model proves
//! nothing.

mod broken_rule;
mod database;
mod node;
mod step;

pub use broken_rule::BrokenRule;
pub use step::Step;

use database::{Database, Ending};
use node::{Caller, Node, Request};
use stateright::{Model, Property};

/// The length of a lease in ticks, and so the bound.
pub const LEASE: u8 = 2;

/// The greatest number of sessions, all in one lane and one stripe. The modelled server ends the first, another server
/// the second.
pub const SESSIONS: usize = 2;

/// The size of the model, and its faults.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Concurrent requests.
    pub requests: usize,
    /// Sessions.
    pub sessions: usize,
    /// The last tick.
    pub end: u8,
    /// A fault of the database.
    pub fault: Option<Fault>,
    /// A broken rule.
    pub broken: Option<BrokenRule>,
}

/// A fault of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Rows of the feed are removed while it is read.
    Prune,
    /// A replica that is behind takes over, once.
    Replace,
}

/// The state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    now: u8,
    database: Database,
    node: Node,
}

impl World {
    /// Whether the predicate holds for some request.
    fn any(&self, predicate: impl Fn(&Self, &Request) -> bool) -> bool {
        self.node.requests.iter().any(|request| predicate(self, request))
    }

    /// Whether the request was admitted although it began more than the bound after the end of the session.
    fn is_late(&self, request: &Request) -> bool {
        let Some(admitted) = request.admitted() else { return false };
        matches!(self.database.endings[admitted.session], Ending::Committed { at, .. } if admitted.began >= at + LEASE)
    }

    /// Whether the request was admitted although its server knew at its start that the session ended.
    fn is_resurrected(_: &Self, request: &Request) -> bool {
        request.admitted().is_some_and(|admitted| admitted.is_known_ended)
    }

    /// Whether the request was admitted from the cache after the end of the session, which shows that the bound is
    /// needed.
    fn is_admitted_after_the_end(&self, request: &Request) -> bool {
        let is_ended = |caller: &Caller| matches!(self.database.endings[caller.session], Ending::Committed { .. });
        matches!(request, Request::Admitted(caller) if is_ended(caller))
    }
}

impl Model for Argument {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World { now: 0, database: Database::default(), node: Node::new(self.requests) }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        step::possible(self, world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut world = world.clone();
        step::apply(self, &mut world, step);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no request is admitted after the bound", |_, world: &World| !world.any(World::is_late)),
            Property::always("a refused session stays refused", |_, world: &World| !world.any(World::is_resurrected)),
            Property::sometimes("the cache admits a request", |_, world: &World| {
                world.any(|_, request| matches!(request, Request::Admitted(_)))
            }),
            Property::sometimes("the cache admits a request after the end", |_, world: &World| {
                world.any(World::is_admitted_after_the_end)
            }),
            Property::sometimes("an outdated row is not cached", |_, world: &World| {
                world.any(|_, request| matches!(request, Request::Live { may_fill: false, .. }))
            }),
        ]
    }
}
