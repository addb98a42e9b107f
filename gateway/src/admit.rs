//! The decision: who this is, and whether the rules let them in.
//!
//! Owns [`Admission`], which nothing outside this file can make. Without one there is no peer to forward to.

use std::sync::Arc;
use std::time::Duration;

use doorward_identity::access_token::{KnownTokens, NotGood};
use doorward_identity::api_key::KeySecret;
use doorward_identity::{Clock, Identity};
use pingora_http::RequestHeader;
use tokio::time::timeout;

use crate::bearer::{self, Presented};
use crate::context::{Context, Place, Visit};
use crate::current::Current;
use crate::metrics::{self, Metrics, Source, Via};
use crate::pass::{Asked, Pass};
use crate::policy::{self, Decision, Entry as Let, Facts};
use crate::refusal::Refusal;
use crate::session_cache::{Entry, Found, Origin, SessionCache, Sought};
use crate::sites::Site;
use crate::stranger::{self, Asking, Bearer};
use crate::websocket::{self, Opener};
use crate::{cookie, door, target};

/// How long an open page waits to know who asks, while it is not proven that the store is there. It does without.
const PATIENCE: Duration = Duration::from_millis(25);

/// The right of one request to be forwarded.
#[derive(Clone)]
pub struct Admission {
    person: Option<Arc<Entry>>,
    via: Via,
}

impl Admission {
    /// Whose session it is, if there is one.
    #[must_use]
    pub fn person(&self) -> Option<&Arc<Entry>> {
        self.person.as_ref()
    }

    /// What proved it.
    #[must_use]
    pub fn via(&self) -> Via {
        self.via
    }

    /// Of somebody who needs no proof.
    fn open() -> Self {
        Self {
            person: None,
            via: Via::None,
        }
    }
}

/// What is needed to decide, and to decide again.
pub struct Judge {
    /// Sessions in memory.
    pub cache: Arc<SessionCache>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// For what stays open: a request itself is judged by the configuration that it began under.
    pub current: Arc<Current>,
    /// What tokens are checked with.
    pub identity: Arc<Identity>,
    /// Those that were.
    pub tokens: KnownTokens,
}

/// Who somebody turned out to be.
enum Who {
    Known(Arc<Entry>, Via),
    Nobody,
    /// The store is away.
    CannotSay,
}

impl Judge {
    /// Decides about a request that has been taken in.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn admit(
        self: &Arc<Self>,
        request: &RequestHeader,
        context: &mut Context,
    ) -> Result<(), Refusal> {
        let visit = context.visit.take().ok_or(Refusal::Internal)?;
        let admission = match &visit.place {
            // The pages know their own people; a certificate authority is nobody.
            Place::Portal | Place::AcmeChallenge(_) => Ok(Admission::open()),
            Place::Site(site) => self.admit_to(site, request, &visit, context).await,
        };
        context.visit = Some(visit);
        context.admission = Some(admission?);
        Ok(())
    }

    async fn admit_to(
        self: &Arc<Self>,
        site: &Arc<Site>,
        request: &RequestHeader,
        visit: &Visit,
        context: &mut Context,
    ) -> Result<Admission, Refusal> {
        let facts = Facts {
            host: visit.host.name(),
            path: target::path(request),
            method: &request.method,
            client: visit.client.address,
        };
        let linked = self.cache.was_linked(context.began().instant);
        let mut who = if linked || !is_open(site, &facts) {
            self.who(request, visit, context).await
        } else {
            let who = timeout(PATIENCE, self.who(request, visit, context)).await;
            who.unwrap_or_else(|_| {
                context.look();
                Who::CannotSay
            })
        };
        let mut decision = decide(site, &facts, &who);
        // A token is judged only where it matters: elsewhere it is the site's own affair.
        if matches!(who, Who::Nobody)
            && decision == Decision::SignInNeeded
            && let Presented::Token(token) = bearer::find(&request.headers)
        {
            who = match KeySecret::parse(token) {
                Some(secret) => {
                    self.session(Sought::Key(secret.key()), (Via::Key, visit), context)
                        .await
                }
                None => self.bearer(token, visit, context).await,
            };
            decision = decide(site, &facts, &who);
        }
        let via = match &who {
            Who::Known(_, via) => *via,
            Who::Nobody | Who::CannotSay => Via::None,
        };
        let stores = match &who {
            Who::Known(..) | Who::Nobody => Stores::Answered,
            Who::CannotSay => Stores::Away,
        };
        let portal = context.sites.portal.path();
        let outcome = outcome((decision, stores), site, request, visit, portal);
        let word = outcome
            .as_ref()
            .map_or_else(word_of, |()| word_for(decision));
        context.record.decision = Some(word);
        site.metrics.decision(word, via);
        outcome?;
        own_page(site, request, visit)?;
        let (person, via) = match who {
            Who::Known(entry, via) => (Some(entry), via),
            Who::Nobody | Who::CannotSay => (None, Via::None),
        };
        // On an open page too: there the site is told who it is as well, and it may not stay open.
        door::leave(self.pass(person.as_ref(), &facts, visit));
        Ok(Admission { person, via })
    }

    /// Who a token stands for.
    async fn bearer(&self, token: &str, visit: &Visit, context: &mut Context) -> Who {
        let origin = context.sites.portal.origin();
        let by = (&self.identity.keys, &self.tokens);
        match bearer::check(by, origin, visit, token, self.clock.now()) {
            Ok(checked) => match self
                .session(
                    Sought::Person(checked.session),
                    (Via::Bearer, visit),
                    context,
                )
                .await
            {
                // The key is the session's; the account's can only differ if somebody mixed them up.
                Who::Known(entry, _) if entry.account() != checked.account => Who::Nobody,
                who => who,
            },
            Err(NotGood) => Who::Nobody,
        }
    }

    /// Who shows what cookie.
    async fn who(&self, request: &RequestHeader, visit: &Visit, context: &mut Context) -> Who {
        let token = match cookie::find(&request.headers, visit.client.scheme) {
            cookie::Presented::Token(token) => token,
            cookie::Presented::None | cookie::Presented::Malformed => return Who::Nobody,
        };
        let sought = Sought::Person(token.key());
        self.session(sought, (Via::Session, visit), context).await
    }

    /// Whose session it is that `via` stands for. On a host that it was not made for it is nobody's.
    async fn session(
        &self,
        sought: Sought,
        (via, visit): (Via, &Visit),
        context: &mut Context,
    ) -> Who {
        let (asked, lifetimes) = (context.looked, context.sites.lifetimes);
        let (found, origin) = self.cache.find_at(asked, sought, lifetimes).await;
        let answered = context.look();
        let source = match origin {
            Origin::Memory => Source::Cache,
            Origin::Store => Source::Store,
        };
        let took = answered.instant - asked.instant;
        self.metrics.authz(source, took);
        match found {
            Found::Known(entry) if !entry.counts_on(visit.host.name()) => Who::Nobody,
            Found::Known(entry) => {
                context.record.user = Some((entry.account(), *entry.key()));
                context.known = Some(Arc::clone(&entry));
                Who::Known(entry, via)
            }
            Found::None => Who::Nobody,
            Found::Away => Who::CannotSay,
        }
    }

    /// What keeps the connection open once the request is let in.
    fn pass(
        self: &Arc<Self>,
        entry: Option<&Arc<Entry>>,
        facts: &Facts<'_>,
        visit: &Visit,
    ) -> Pass {
        let asked = Asked {
            host: visit.host.name().into(),
            path: facts.path.into(),
            method: facts.method.clone(),
            client: facts.client,
        };
        Pass::new(Arc::clone(self), entry.map(Arc::clone), asked)
    }
}

fn decide(site: &Site, facts: &Facts<'_>, who: &Who) -> Decision {
    let person = match who {
        Who::Known(entry, _) => Some(entry.person()),
        Who::Nobody | Who::CannotSay => None,
    };
    policy::decide(&site.rules, facts, person.as_ref())
}

/// Whether nobody has to be known for this.
fn is_open(site: &Site, facts: &Facts<'_>) -> bool {
    policy::decide(&site.rules, facts, None) == Decision::Allowed(Let::Open)
}

/// Whether it is known who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// It is, be it nobody.
    Answered,
    /// It is not.
    Away,
}

/// What becomes of a request to `site` by this decision; `portal` is where the built-in pages live.
///
/// # Errors
/// Why it is refused.
pub fn outcome(
    (decision, stores): (Decision, Stores),
    site: &Site,
    request: &RequestHeader,
    visit: &Visit,
    portal: &str,
) -> Result<(), Refusal> {
    let asking = |bearer| Asking {
        request,
        scheme: visit.client.scheme,
        host: &visit.host,
        portal,
        on_unauthenticated: site.on_unauthenticated,
        bearer,
    };
    match decision {
        Decision::Allowed(_) => Ok(()),
        Decision::Forbidden => Err(Refusal::Forbidden),
        Decision::BeyondKey => Err(Refusal::BeyondKey),
        // Who it is has been decided, so a token does not matter any more.
        Decision::SecondFactorNeeded => Err(Refusal::SecondFactorNeeded(stranger::second_factor(
            &asking(Bearer::None),
        ))),
        Decision::Unclear => Err(Refusal::Unclear),
        Decision::SignInNeeded => match stores {
            // Never a login page: the person may well be signed in.
            Stores::Away => Err(Refusal::StoreAway),
            Stores::Answered => Err(Refusal::NotSignedIn(stranger::answer(&asking(bearer(
                request,
            ))))),
        },
    }
}

/// One that is shown and got nobody in is not good.
fn bearer(request: &RequestHeader) -> Bearer {
    match bearer::find(&request.headers) {
        Presented::None => Bearer::None,
        Presented::Token(_) | Presented::Malformed => Bearer::Bad,
    }
}

/// Browsers send cookies with a WebSocket whatever page opens it.
///
/// # Errors
/// It was opened by somebody else's.
pub fn own_page(site: &Site, request: &RequestHeader, visit: &Visit) -> Result<(), Refusal> {
    if visit.websocket == websocket::Asked::No {
        return Ok(());
    }
    match websocket::opener(
        &request.headers,
        visit.client.scheme,
        &visit.host,
        &site.websocket_origins,
    ) {
        Opener::Welcome => Ok(()),
        Opener::Foreign => Err(Refusal::ForeignOrigin),
    }
}

fn word_for(decision: Decision) -> metrics::Decision {
    match decision {
        Decision::Allowed(Let::Open) => metrics::Decision::Bypass,
        Decision::Allowed(Let::Person) => metrics::Decision::Allow,
        Decision::SignInNeeded => metrics::Decision::Challenge,
        Decision::SecondFactorNeeded
        | Decision::BeyondKey
        | Decision::Forbidden
        | Decision::Unclear => metrics::Decision::Deny,
    }
}

fn word_of(refusal: &Refusal) -> metrics::Decision {
    match refusal {
        Refusal::StoreAway | Refusal::Internal => metrics::Decision::Error,
        Refusal::NotSignedIn(_) => metrics::Decision::Challenge,
        _ => metrics::Decision::Deny,
    }
}
