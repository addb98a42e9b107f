//! How many connections each address has now, and which budget.
//!
//! Owns the counting. An address is what one customer of a provider gets: of IPv6 a /64, or one machine would be as
//! many as it likes. Must not know who is exempt.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::resets::{Budget, Resets};

/// What is left of an IPv6 address: its first 64 bits.
const NETWORK: u128 = !0 << 64;

/// Everybody who is connected, and who was lately.
#[derive(Debug, Default)]
pub struct Crowd {
    /// As large as there are addresses with a connection.
    connections: Mutex<HashMap<IpAddr, u32>>,
    resets: Arc<Resets>,
}

/// What becomes of one more connection.
#[derive(Debug)]
#[must_use]
pub enum Entry {
    /// It is let in.
    Free(Place),
    /// Its address has as many as it may.
    Full,
}

/// One connection, counted until this is dropped.
#[derive(Debug)]
pub struct Place {
    crowd: Arc<Crowd>,
    network: IpAddr,
}

impl Crowd {
    /// Lets one more connection of `address` in, if there are fewer than `most`.
    pub fn enter(self: &Arc<Self>, address: IpAddr, most: u32) -> Entry {
        let network = network(address);
        let mut all = self.all();
        let count = all.get(&network).copied().unwrap_or(0);
        if count >= most {
            return Entry::Full;
        }
        all.insert(network, count + 1);
        Entry::Free(Place {
            crowd: Arc::clone(self),
            network,
        })
    }

    /// The requests that `address` may still reset.
    pub(super) fn resets(&self, address: IpAddr) -> Budget {
        self.resets.of(network(address))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.crowd.all();
        match all.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                all.remove(&self.network);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(crowd: &Arc<Crowd>, address: &str, most: u32) -> Option<Place> {
        match crowd.enter(address.parse().unwrap(), most) {
            Entry::Free(place) => Some(place),
            Entry::Full => None,
        }
    }

    #[test]
    fn as_many_as_allowed_and_one_more_for_each_that_leaves() {
        let crowd = Arc::new(Crowd::default());
        let first = enter(&crowd, "192.0.2.1", 2).unwrap();
        let second = enter(&crowd, "192.0.2.1", 2).unwrap();
        assert!(enter(&crowd, "192.0.2.1", 2).is_none());
        assert!(enter(&crowd, "192.0.2.2", 2).is_some(), "another address");
        drop(first);
        let third = enter(&crowd, "192.0.2.1", 2);
        assert!(third.is_some());
        assert!(enter(&crowd, "192.0.2.1", 2).is_none());
        assert!(enter(&crowd, "192.0.2.1", 3).is_some(), "the limit grew");
        drop((second, third));
        assert!(crowd.all().is_empty(), "who has left is forgotten");
    }

    #[test]
    fn one_spelling_of_an_address_and_one_network_of_ipv6() {
        let crowd = Arc::new(Crowd::default());
        for (first, second, same) in [
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("2001:db8::1", "2001:db9::1", false),
        ] {
            let place = enter(&crowd, first, 1).unwrap();
            let refused = enter(&crowd, second, 1).is_none();
            assert_eq!(refused, same, "{first} and {second}");
            drop(place);
            assert!(crowd.all().is_empty());
        }
    }

    #[test]
    fn nobody_gets_in_twice_at_once() {
        let crowd = Arc::new(Crowd::default());
        let barrier = std::sync::Barrier::new(8);
        let places: Vec<Option<Place>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let places = (0..100).map(|_| enter(&crowd, "192.0.2.1", 50));
                        places.collect::<Vec<_>>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(places.iter().flatten().count(), 50);
        drop(places);
        assert!(crowd.all().is_empty());
    }
}
