//! The signed assertions that upstreams are told about one session, kept for as long as they are fresh.
//!
//! Owns which are kept: a signature costs more than everything else that a known session costs. Must not know what an
//! assertion says. A hit takes no lock and allocates nothing.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use doorward_identity::Fault;
use http::HeaderValue;
use jiff::Timestamp;

use crate::host::Host;
use crate::origin;
use crate::scheme::Scheme;

/// How many hosts of one session are remembered, the latest first; further ones cost a signature a request.
const HOSTS: usize = 8;

/// After so long another is made: the rest of its life is for the upstream's clock and for slow requests.
const FRESH: Duration = Duration::from_mins(4);

/// The assertions of one session.
#[derive(Default)]
pub struct Assertions(ArcSwapOption<Vec<Told>>);

/// One host's.
#[derive(Clone)]
struct Told {
    issuer: Issuer<Box<str>>,
    host: Box<str>,
    /// The key that it is signed with.
    kid: Box<str>,
    /// Seconds since 1970 UTC.
    made: i64,
    value: HeaderValue,
}

/// Who vouches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Issuer<T> {
    /// The origin that all sites share.
    Shared(T),
    /// The host itself.
    Own(Scheme, Option<u16>),
}

/// A host that is to be told.
#[derive(Clone, Copy)]
pub struct Hearer<'a> {
    /// How the person reached it.
    pub scheme: Scheme,
    /// Its name.
    pub host: &'a Host<'a>,
    /// The origin that all sites share, if there is one.
    pub portal_origin: Option<&'a str>,
}

impl Issuer<&str> {
    fn owned(self) -> Issuer<Box<str>> {
        match self {
            Self::Shared(origin) => Issuer::Shared(origin.into()),
            Self::Own(scheme, port) => Issuer::Own(scheme, port),
        }
    }
}

impl Hearer<'_> {
    fn issuer(&self) -> Issuer<&str> {
        match self.portal_origin {
            Some(origin) => Issuer::Shared(origin),
            None => Issuer::Own(self.scheme, self.host.port()),
        }
    }
}

impl Told {
    fn is_for(&self, hearer: &Hearer<'_>, kid: &str, now: i64) -> bool {
        let fresh = i64::try_from(FRESH.as_secs()).unwrap_or(0);
        let issuer = match &self.issuer {
            Issuer::Shared(origin) => Issuer::Shared(&**origin),
            Issuer::Own(scheme, port) => Issuer::Own(*scheme, *port),
        };
        // A clock that was set back makes none fresh that was made later.
        (0..fresh).contains(&now.saturating_sub(self.made))
            && *self.kid == *kid
            && issuer == hearer.issuer()
            && *self.host == *hearer.host.name()
    }
}

impl Assertions {
    /// What this host is told about this person now, by the key that signs; `mint` makes it for an issuer.
    ///
    /// # Errors
    /// What `mint` says.
    pub fn tell(
        &self,
        hearer: Hearer<'_>,
        (now, kid): (Timestamp, &str),
        mint: impl FnOnce(&str) -> Result<String, Fault>,
    ) -> Result<HeaderValue, Fault> {
        let second = now.as_second();
        let known = self.0.load();
        let kept = known.iter().flat_map(|known| known.iter());
        if let Some(told) = kept.clone().find(|told| told.is_for(&hearer, kid, second)) {
            return Ok(told.value.clone());
        }
        let value = match hearer.portal_origin {
            Some(origin) => mint(origin)?,
            None => mint(&origin::of(hearer.scheme, hearer.host))?,
        };
        let value = HeaderValue::try_from(value)
            .map_err(|error| Fault::broken_by("an assertion is no header value", error))?;
        let told = Told {
            issuer: hearer.issuer().owned(),
            host: hearer.host.name().into(),
            kid: kid.into(),
            made: second,
            value: value.clone(),
        };
        let others = kept.filter(|old| old.host != told.host || old.issuer != told.issuer);
        let latest = [&told].into_iter().chain(others).take(HOSTS).cloned();
        // Of two requests at once one's is forgotten, and made again by whoever comes next.
        self.0.store(Some(Arc::new(latest.collect())));
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
