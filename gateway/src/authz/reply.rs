//! An answer in the words that the proxy which asks understands.
//!
//! Owns statuses and addresses as each kind of proxy reads them. Must not know why something is refused.

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use pingora_error::Result;
use pingora_http::ResponseHeader;

use super::{Dialect, Question};
use crate::headers::Told;
use crate::refusal::{Refusal, Reply};
use crate::stranger::{Answer, Bearer, Step};

/// What the browser would have got here: those that understand few statuses can go by this.
const STATUS: &str = "X-Doorward-Status";

/// Yes. Nobody may keep it: the next request may be another person's.
///
/// # Errors
/// A header is none, which is a defect.
pub fn welcome(dialect: Dialect, told: Told) -> Result<ResponseHeader> {
    let status = match dialect {
        Dialect::AuthRequest | Dialect::ForwardAuth | Dialect::ExtAuthz => StatusCode::OK,
        Dialect::Oauth2 => StatusCode::ACCEPTED,
    };
    let mut header = ResponseHeader::build(status, Some(8))?;
    told.tell(&mut header)?;
    header.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
    header.insert_header(CONTENT_LENGTH, HeaderValue::from(0))?;
    Ok(header)
}

impl Question {
    /// Puts a refusal's answer into the words of whoever asks.
    ///
    /// # Errors
    /// A header is none, which is a defect.
    pub fn put(&self, refusal: &Refusal, reply: &mut Reply) -> Result<()> {
        let header = &mut reply.header;
        if let Some(location) = refusal.location() {
            header.insert_header(LOCATION, self.absolute(location))?;
        }
        match self.dialect {
            Dialect::ForwardAuth | Dialect::ExtAuthz => Ok(()),
            Dialect::AuthRequest | Dialect::Oauth2 => {
                if let Refusal::NotSignedIn(Answer::Unauthorized { login_url, .. }) = refusal {
                    header.insert_header(LOCATION, self.absolute(login_url))?;
                }
                let said = HeaderValue::from(refusal.status().as_u16());
                header.insert_header(STATUS, said)?;
                let status = of_three(refusal);
                header.set_status(status)?;
                if status == StatusCode::UNAUTHORIZED
                    && !header.headers.contains_key(WWW_AUTHENTICATE)
                {
                    header.insert_header(WWW_AUTHENTICATE, Bearer::None.challenge())?;
                }
                Ok(())
            }
        }
    }

    /// The address as a browser needs it that was not sent here.
    fn absolute(&self, location: &str) -> String {
        if location.starts_with('/') {
            format!("{}{location}", self.origin)
        } else {
            location.to_owned()
        }
    }
}

/// Of 401 and 403 the one that says it; to nginx everything else is an error of its own, which it answers with 500.
/// That is right for what is wrong with the question or with us, and with nothing that a client sends.
fn of_three(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NotSignedIn(_)
        | Refusal::Elsewhere { .. }
        | Refusal::InTheClear { .. }
        | Refusal::SecondFactorNeeded(Step::Redirect { .. }) => StatusCode::UNAUTHORIZED,
        Refusal::UnknownSite
        | Refusal::Host(_)
        | Refusal::Target(_)
        | Refusal::Unclear
        | Refusal::Method
        | Refusal::UnknownMethod
        | Refusal::HeadersTooLarge
        | Refusal::BodyTooLarge
        | Refusal::Forbidden
        | Refusal::SecondFactorNeeded(Step::Forbidden { .. })
        | Refusal::BeyondKey
        | Refusal::ForgedHeader
        | Refusal::ForeignOrigin
        | Refusal::NoUpstream => StatusCode::FORBIDDEN,
        Refusal::Malformed(_)
        | Refusal::TooSlow
        | Refusal::StoreAway
        | Refusal::BadGateway
        | Refusal::GatewayTimeout
        | Refusal::TooMany
        | Refusal::Busy
        | Refusal::Internal => refusal.status(),
    }
}
