//! Room for bodies that are on their way. A request takes one of the places at work only once it is there in full: else
//! clients that send slowly on purpose would hold all of those.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

use crate::{
    account::network_of,
    error::{ApiError, Code},
};

/// Bodies on their way at once, of 64 KiB each at the most.
const BODIES: usize = 4096;

/// The same, of one client: whoever wants to take up all the room needs many addresses.
const OF_ONE: usize = 512;

/// The bodies that are on their way.
#[derive(Debug, Default)]
pub(super) struct Reading(Mutex<Bodies>);

#[derive(Debug, Default)]
struct Bodies {
    all: usize,
    by_client: HashMap<IpNet, usize>,
}

/// The room of one body, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    reading: &'a Reading,
    client: IpNet,
}

impl Reading {
    /// Room for one more body of a client.
    ///
    /// # Errors
    /// `OVERLOADED`
    pub(super) fn place(&self, client: IpAddr) -> Result<Place<'_>, ApiError> {
        let client = network_of(client);
        let mut bodies = self.bodies();
        if bodies.all >= BODIES || bodies.by_client.get(&client).is_some_and(|own| *own >= OF_ONE) {
            return Err(Code::Overloaded.into());
        }
        bodies.all += 1;
        *bodies.by_client.entry(client).or_default() += 1;
        Ok(Place { reading: self, client })
    }

    fn bodies(&self) -> MutexGuard<'_, Bodies> {
        // what is counted is whole between any two lines
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut bodies = self.reading.bodies();
        bodies.all -= 1;
        if let Some(own) = bodies.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                bodies.by_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn client(n: usize) -> IpAddr {
        Ipv4Addr::from(u32::try_from(n).unwrap()).into()
    }

    #[test]
    fn one_client_has_room_for_some_and_all_together_for_more() {
        let reading = Reading::default();
        let own: Vec<_> = (0..OF_ONE).map(|_| reading.place(client(1)).unwrap()).collect();
        assert_eq!(reading.place(client(1)).unwrap_err().code, Code::Overloaded);
        let others: Vec<_> = (OF_ONE..BODIES).map(|n| reading.place(client(n)).unwrap()).collect();
        assert_eq!(reading.place(client(2)).unwrap_err().code, Code::Overloaded);
        drop(own);
        assert!(reading.place(client(1)).is_ok() && reading.place(client(2)).is_ok());
        drop(others);
        assert!(reading.bodies().all == 0 && reading.bodies().by_client.is_empty());
    }
}
