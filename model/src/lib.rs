//! The argument of `src/account/live.rs` as a machine that can be gone through: a database whose transactions commit in
//! some order, a server that follows its feed and answers from memory, and time. Each step is one that nothing can come
//! between; between any two of them anything may: other steps of all others, and time, so that whoever is in the midst
//! of something may stand still for as long as there is.
//!
//! One server is as good as many: they meet in the database alone, where nothing that one does on behalf of its memory
//! is seen by another. What is left out: whatever only takes away from the cache (age, eviction, the second clock), other lanes and stripes,
//! and memory orderings, each of which is an `Acquire` that meets a `Release`. So this is the protocol and not the code; the
//! names are those of the code, and `tests/torture/` looks at that.
//!
//! A [`Fault`] breaks one rule. The checker must then find how an ended session is let in, or the model proves nothing.

mod database;
mod fault;
mod node;
mod step;

pub use fault::Fault;
pub use step::Step;

use database::{Database, Ending};
use node::{Node, Request};
use stateright::{Model, Property};

/// How many ticks a lease lasts, and so the bound.
pub const LEASE: u8 = 2;

/// How many sessions there are at most, all in one lane and one stripe. The first is ended by the server, the second
/// elsewhere.
pub const SESSIONS: usize = 2;

/// The size of the world, and what is wrong in it.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Requests that are under way at once.
    pub requests: usize,
    /// Sessions that are asked for and ended.
    pub sessions: usize,
    /// The last tick.
    pub end: u8,
    /// What befalls the database.
    pub trouble: Option<Trouble>,
    /// The rule that is broken.
    pub fault: Option<Fault>,
}

/// What may befall the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Rows of the feed are removed while it is read.
    Prune,
    /// Another one takes over that was behind, once.
    Replace,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    now: u8,
    database: Database,
    node: Node,
}

impl World {
    /// Whether some request has come to a point that `is_meant`.
    fn any(&self, is_meant: impl Fn(&Self, &Request) -> bool) -> bool {
        self.node.requests.iter().any(|request| is_meant(self, request))
    }

    /// The request was let in, though it began when the session had been over for longer than the bound.
    fn is_late(&self, request: &Request) -> bool {
        let Some(let_in) = request.let_in() else { return false };
        matches!(self.database.endings[let_in.session], Ending::Over { at, .. } if let_in.began >= at + LEASE)
    }

    /// The request was let in, though it began after its server had heard of the end, or had refused somebody for it.
    fn is_resurrected(_: &Self, request: &Request) -> bool {
        request.let_in().is_some_and(|let_in| let_in.is_barred)
    }

    /// The request was let in from memory for a session that is over: the bound is needed.
    fn is_let_in_after_the_end(&self, request: &Request) -> bool {
        matches!(request, Request::LetIn(caller) if matches!(self.database.endings[caller.session], Ending::Over { .. }))
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
        step::take(self, &mut world, step);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nobody is let in after the bound", |_, world: &World| !world.any(World::is_late)),
            Property::always("who is gone stays gone", |_, world: &World| !world.any(World::is_resurrected)),
            Property::sometimes("memory answers", |_, world: &World| {
                world.any(|_, request| matches!(request, Request::LetIn(_)))
            }),
            Property::sometimes("memory answers after the end", |_, world: &World| {
                world.any(World::is_let_in_after_the_end)
            }),
            Property::sometimes("a row that was overtaken is not kept", |_, world: &World| {
                world.any(|_, request| matches!(request, Request::Living { may_keep: false, .. }))
            }),
        ]
    }
}
