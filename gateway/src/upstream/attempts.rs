//! What one request has tried so far.
//!
//! Owns what a connection that could not be made means: for the address, and for the request.

use std::sync::Arc;

use pingora_error::{Error, ErrorType};

use super::endpoint::Endpoint;

/// Most connections that are tried for one request.
const MOST: usize = 5;

/// Most connections that were there already and turned out to be dead.
const MOST_STALE: usize = 3;

/// The attempts of one request.
#[derive(Debug, Default)]
pub struct Attempts {
    current: Option<Arc<Endpoint>>,
    failed: Vec<Arc<Endpoint>>,
    stale: usize,
}

/// Whether another attempt makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Anywhere, the same address included.
    Anywhere,
    /// At another address.
    Elsewhere,
    /// None.
    No,
}

impl Attempts {
    pub(super) fn begin(&mut self, endpoint: Arc<Endpoint>) {
        self.current = Some(endpoint);
    }

    pub(super) fn has_failed(&self, endpoint: &Arc<Endpoint>) -> bool {
        self.failed.iter().any(|one| Arc::ptr_eq(one, endpoint))
    }

    /// Whether this is the first attempt.
    pub(super) fn is_first(&self) -> bool {
        self.failed.is_empty()
    }

    /// The current attempt has a new connection, or an answer on an old one.
    pub fn reached(&self) {
        if let Some(endpoint) = &self.current {
            endpoint.reached();
        }
    }

    /// The current attempt has none. Nothing of the request was sent.
    pub fn not_connected(&mut self, error: &Error) -> Again {
        let Some(endpoint) = self.current.take() else {
            return Again::No;
        };
        match error.etype() {
            // Our own lack of something, of file descriptors for example: no address is better than another.
            ErrorType::InternalError => Again::No,
            // A connection of earlier requests that has died meanwhile.
            ErrorType::H2Error if self.stale < MOST_STALE => {
                self.stale += 1;
                Again::Anywhere
            }
            _ => {
                endpoint.not_connected(error);
                self.failed.push(endpoint);
                if self.failed.len() < MOST {
                    Again::Elsewhere
                } else {
                    Again::No
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::tests::way;
    use super::super::shelf::Shelf;
    use super::*;

    #[test]
    fn what_a_failure_means() {
        let endpoint = Arc::new(Endpoint::new(
            ([127, 0, 0, 1], 80).into(),
            way("app.test"),
            Shelf::new(Arc::default(), Arc::default()),
        ));
        let mut attempts = Attempts::default();
        let mut fail = |etype| {
            attempts.begin(Arc::clone(&endpoint));
            let again = attempts.not_connected(&Error::new(etype));
            (again, attempts.has_failed(&endpoint))
        };
        assert_eq!(fail(ErrorType::InternalError), (Again::No, false));
        for _ in 0..MOST_STALE {
            assert_eq!(fail(ErrorType::H2Error), (Again::Anywhere, false));
        }
        assert!(endpoint.admits());
        assert_eq!(fail(ErrorType::H2Error), (Again::Elsewhere, true));
        assert!(!endpoint.admits());
        for _ in 2..MOST {
            assert_eq!(fail(ErrorType::ConnectRefused), (Again::Elsewhere, true));
        }
        assert_eq!(fail(ErrorType::ConnectRefused), (Again::No, true));
        assert_eq!(
            Attempts::default().not_connected(&Error::new(ErrorType::ConnectRefused)),
            Again::No,
            "a Unix socket has one address"
        );
    }
}
