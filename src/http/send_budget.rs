//! Limits the memory of responses that clients have not read yet. HTTP/2 flow control holds a response back but does not
//! limit their number, so a client that sends requests and does not read would fill the memory. The bytes of a response
//! count from its creation until they are written to the socket.

use std::sync::Arc;

use axum::{body::HttpBody, response::Response};
use ipnet::IpNet;

use crate::quota::{ClientQuota, QuotaPermit};

/// The limit of unsent bytes of all clients. Clients usually read at once, so that most of it is free.
const MAX_UNSENT: usize = 32 * 1024 * 1024;

/// The limit for one client: eight of the longest responses, or a thousand typical ones.
const MAX_CLIENT_UNSENT: usize = MAX_UNSENT / 8;

/// Separate limits for short responses, of all clients and of one: a client over its budget still receives the refusal.
const MAX_SHORT: usize = 8 * 1024 * 1024;
const MAX_CLIENT_SHORT: usize = MAX_SHORT / 8;

/// Bytes that must be free before a request is handled, so that the response to a mutation fits. Few are longer.
const MIN_FREE: usize = 64 * 1024;

/// Memory of a request in addition to its body, in bytes: the stream and the head.
const OVERHEAD: usize = 4 * 1024;

/// The budget of bytes that responses may hold until they are sent.
#[derive(Debug)]
pub(super) struct SendBudget {
    responses: ClientQuota,
    short: ClientQuota,
}

/// Whether a response may be sent. An extension of the response.
#[derive(Clone, Debug)]
pub enum SendPermit {
    /// The bytes count until the last of them is written to the socket.
    Granted(Arc<QuotaPermit>),
    /// Not even the refusal fits: nothing is sent, and the stream is reset.
    Denied,
}

impl Default for SendBudget {
    fn default() -> Self {
        Self {
            responses: ClientQuota::new(MAX_UNSENT, MAX_CLIENT_UNSENT),
            short: ClientQuota::new(MAX_SHORT, MAX_CLIENT_SHORT),
        }
    }
}

impl SendBudget {
    /// Whether a client must read its responses before the next request is handled.
    pub(super) fn is_exhausted_for(&self, client: IpNet) -> bool {
        !self.responses.has_capacity_for(client, MIN_FREE)
    }

    /// The permit for a WebSocket message that is being written.
    pub(super) fn try_acquire(&self, client: IpNet, length: usize) -> Option<QuotaPermit> {
        self.responses.try_acquire(client, length)
    }

    /// Attaches a permit to a response; `None` if it exceeds the budget.
    pub(super) fn count(&self, client: IpNet, mut response: Response) -> Option<Response> {
        attach_permit(&self.responses, client, &mut response).then_some(response)
    }

    /// Attaches a permit of the budget for short responses, or marks the response as denied.
    pub(super) fn count_short(&self, client: IpNet, mut response: Response) -> Response {
        if !attach_permit(&self.short, client, &mut response) {
            response.extensions_mut().insert(SendPermit::Denied);
        }
        response
    }
}

/// Attaches a permit to a response; false if it exceeds the quota.
fn attach_permit(quota: &ClientQuota, client: IpNet, response: &mut Response) -> bool {
    let length = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
    let permit = quota.try_acquire(client, length.saturating_add(OVERHEAD));
    permit.map(|permit| response.extensions_mut().insert(SendPermit::Granted(Arc::new(permit)))).is_some()
}
