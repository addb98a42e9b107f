//! The signed assertions that upstreams are told about one session, kept for as long as they are fresh.
//!
//! Owns which are kept: a signature costs more than everything else that a known session costs. Must not know what an
//! assertion says. A hit takes no lock and allocates nothing.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
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
pub struct Assertions(ArcSwapOption<Known>);

/// What is remembered. Most people use one host, so that is found without looking further.
struct Known {
    latest: Told,
    others: Vec<Told>,
}

/// One host's.
#[derive(Clone)]
struct Told {
    issuer: Issuer<Box<str>>,
    /// The key that it is signed with, and the host; in one piece with the assertion itself, which lies in memory that
    /// nobody has looked at for a thousand requests.
    about: Bytes,
    /// How much of that is the key.
    kid: usize,
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
            && self.about.split_at_checked(self.kid)
                == Some((kid.as_bytes(), hearer.host.name().as_bytes()))
            && issuer == hearer.issuer()
    }

    fn host(&self) -> Option<&[u8]> {
        self.about.get(self.kid..)
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
        let kept = known.iter().flat_map(|known| known.told());
        if let Some(told) = kept.clone().find(|told| told.is_for(&hearer, kid, second)) {
            return Ok(told.value.clone());
        }
        let assertion = match hearer.portal_origin {
            Some(origin) => mint(origin)?,
            None => mint(&origin::of(hearer.scheme, hearer.host))?,
        };
        let host = hearer.host.name();
        let mut about = Bytes::from([kid, host, &assertion].concat());
        let value = about.split_off(kid.len() + host.len());
        let value = HeaderValue::from_maybe_shared(value)
            .map_err(|error| Fault::broken_by("an assertion is no header value", error))?;
        let told = Told {
            issuer: hearer.issuer().owned(),
            about,
            kid: kid.len(),
            made: second,
            value: value.clone(),
        };
        let others = kept.filter(|old| old.host() != told.host() || old.issuer != told.issuer);
        // Of two requests at once one's is forgotten, and made again by whoever comes next.
        self.0.store(Some(Arc::new(Known {
            others: others.take(HOSTS - 1).cloned().collect(),
            latest: told,
        })));
        Ok(value)
    }
}

impl Known {
    fn told(&self) -> impl Iterator<Item = &Told> + Clone {
        [&self.latest].into_iter().chain(&self.others)
    }
}

#[cfg(test)]
mod tests;
