//! What the gateway would do with a request, and why, without a request.
//!
//! Owns the order of the questions, which is that of [`crate::gate`]; every answer comes from the function that the
//! gateway itself asks, so the two cannot disagree. Must not know how it is shown.

use std::net::IpAddr;
use std::sync::Arc;

use doorward_identity::session::Record;
use http::{HeaderValue, Method, StatusCode};
use pingora_error::{Error, ErrorType};
use pingora_http::{HeaderNameVariant, RequestHeader};

use crate::admit::{self, Stores};
use crate::context::{Place, Visit};
use crate::forward::Proof;
use crate::headers::{IdentityValues, Told};
use crate::policy::{self, Facts, Found, Person, RuleSays};
use crate::redirect::TlsPort;
use crate::refusal::Refusal;
use crate::scheme::Scheme;
use crate::sites::{Site, Sites};
use crate::stranger::{Answer, Step};
use crate::{forward, headers, intake, target};

/// A request in question.
#[derive(Debug)]
pub struct Question {
    request: RequestHeader,
    scheme: Scheme,
    client: IpAddr,
    tls: Option<TlsPort>,
}

/// What would become of a request.
#[derive(Debug)]
pub struct Explanation {
    /// The name of the site; absent: none has the host.
    pub site: Option<String>,
    /// What is asked for; absent: that could not be found out.
    pub asked_for: Option<AskedFor>,
    /// The path that the rules see, canonical if it could be made so.
    pub path: String,
    /// What the rules say; absent: they are not asked.
    pub rules: Option<Judgement>,
    /// What comes of it.
    pub outcome: Result<Forwarded, Refusal>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedFor {
    /// Something of the site.
    Site,
    /// A built-in page.
    Portal,
    /// A certificate authority's question.
    AcmeChallenge,
}

/// What the rules say.
#[derive(Debug)]
pub struct Judgement {
    /// Which one decides.
    pub found: Found,
    /// All that were looked at.
    pub said: Vec<RuleSays>,
    /// The answer.
    pub decision: policy::Decision,
}

/// What goes to the upstream.
#[derive(Debug)]
pub struct Forwarded {
    /// Path and query.
    pub target: String,
    /// Headers that are set, besides those that the client sends and may send.
    pub headers: Vec<(String, String)>,
    /// Headers that are taken away if the client sends them; a `*` stands for whatever follows.
    pub removed: Vec<String>,
}

impl Question {
    /// A request that a client at `client` makes, with no header of its own. What stands behind the host is taken as it
    /// is: nothing is resolved or escaped.
    ///
    /// # Errors
    /// In words, why this is no request.
    pub fn parse(method: &str, url: &str, client: IpAddr) -> Result<Self, String> {
        let no_url = || format!("`{url}` is no address such as http://app.example.com/path");
        let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
        let scheme = Scheme::parse(scheme.as_bytes()).ok_or_else(no_url)?;
        // A fragment stays in the browser.
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, target) = rest.split_at(end);
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| format!("`{method}` is no method such as GET"))?;
        let built = RequestHeader::build(method, target.as_bytes(), None);
        let request = built.and_then(|mut request| {
            request.insert_header("Host", host)?;
            Ok(request)
        });
        Ok(Self {
            request: request.map_err(|error: Box<Error>| no_request(url, &error))?,
            scheme,
            client: client.to_canonical(),
            tls: None,
        })
    }

    /// The same of a gateway that serves https there.
    #[must_use]
    pub fn beside(self, tls: Option<TlsPort>) -> Self {
        Self { tls, ..self }
    }
}

fn no_request(url: &str, error: &Error) -> String {
    match error.etype() {
        ErrorType::InvalidHTTPHeader => format!("`{url}` cannot stand in a request"),
        other => format!("`{url}` cannot stand in a request: {}", other.as_str()),
    }
}

/// Says what would become of a request, made by whoever has the session `record`, or by a stranger.
#[must_use]
pub fn explain(sites: &Sites, question: Question, record: Option<&Record>) -> Explanation {
    let Question {
        mut request,
        scheme,
        client,
        tls,
    } = question;
    let mut explanation = Explanation {
        site: None,
        asked_for: None,
        path: target::path(&request).to_owned(),
        rules: None,
        outcome: Err(Refusal::Internal),
    };
    let caller = match intake::call(&request, client, scheme, sites) {
        Ok(caller) => caller,
        Err(refusal) => {
            explanation.outcome = Err(refusal);
            return explanation;
        }
    };
    explanation.site = Some(caller.site.name.to_string());
    let visit = match intake::visit(&mut request, caller, sites) {
        Ok(visit) => visit,
        Err(refusal) => {
            explanation.outcome = Err(refusal);
            return explanation;
        }
    };
    target::path(&request).clone_into(&mut explanation.path);
    explanation.asked_for = Some(match &visit.place {
        Place::Site(_) => AskedFor::Site,
        Place::Portal => AskedFor::Portal,
        Place::AcmeChallenge(_) => AskedFor::AcmeChallenge,
    });
    if let Err(refusal) = intake::not_in_the_clear(&request, &visit, tls, sites) {
        explanation.outcome = Err(refusal);
        return explanation;
    }
    let unsayable = intake::stripped_at(&visit.place, sites);
    if headers::strip(&mut request, unsayable).is_err() {
        explanation.outcome = Err(Refusal::Internal);
        return explanation;
    }
    explanation.outcome = match &visit.place {
        Place::Site(site) => {
            let judgement = judge(site, &request, &visit, record);
            let decision = (judgement.decision, Stores::Answered);
            explanation.rules = Some(judgement);
            admit::outcome(decision, site, &request, &visit, sites.portal.path())
                .and_then(|()| admit::own_page(site, &request, &visit))
                .and_then(|()| forward(&mut request, &visit, sites, record))
        }
        Place::Portal | Place::AcmeChallenge(_) => forward(&mut request, &visit, sites, None),
    };
    explanation
}

fn judge(
    site: &Site,
    request: &RequestHeader,
    visit: &Visit,
    record: Option<&Record>,
) -> Judgement {
    let facts = Facts {
        host: visit.host.name(),
        path: target::path(request),
        method: &request.method,
        client: visit.client.address,
    };
    let person = record.map(Person::from);
    let (found, said) = policy::trace(&site.rules, &facts, person.as_ref());
    Judgement {
        found,
        said,
        decision: policy::decide(&site.rules, &facts, person.as_ref()),
    }
}

fn forward(
    request: &mut RequestHeader,
    visit: &Visit,
    sites: &Sites,
    record: Option<&Record>,
) -> Result<Forwarded, Refusal> {
    let told = match (&visit.place, record) {
        (Place::Site(site), Some(record)) => {
            let values = IdentityValues::new(&site.identity, record.into());
            // Whoever may ask this question is not whom it speaks of.
            let signed = || HeaderValue::from_static("(signed, for five minutes)");
            Some(Told {
                identity: Arc::new(values.map_err(|_| Refusal::Internal)?),
                assertion: site.assertion.then(signed),
            })
        }
        _ => None,
    };
    let id = "(one for each request)";
    headers::edit(request, |headers| {
        forward::dress(headers, visit, (told, Proof::None), id)
    })
    .unwrap_or(Err(Refusal::Internal))?;
    let mut headers = Vec::new();
    let listed = request.map(|name, value| {
        let name = match name {
            HeaderNameVariant::Case(name) => String::from_utf8_lossy(name.as_slice()).into_owned(),
            HeaderNameVariant::Titled(name) => name.to_owned(),
        };
        headers.push((name, String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Ok(())
    });
    listed.map_err(|_| Refusal::Internal)?;
    Ok(Forwarded {
        target: target::target(request).to_owned(),
        headers,
        removed: intake::stripped_at(&visit.place, sites).names().collect(),
    })
}

impl Refusal {
    /// Where the answer sends whoever asked.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        match self {
            Self::NotSignedIn(Answer::Redirect { location, .. })
            | Self::SecondFactorNeeded(Step::Redirect { location, .. })
            | Self::Elsewhere { location }
            | Self::InTheClear { location } => Some(location),
            _ => None,
        }
    }
}

impl Explanation {
    /// The status of the gateway's own answer; absent: the upstream answers.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.outcome.as_ref().err().map(Refusal::status)
    }
}

#[cfg(test)]
mod tests;
