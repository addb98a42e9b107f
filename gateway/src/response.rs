//! An upstream's answer on its way back: what it may not say, and what it forgot.

use http::HeaderValue;
use http::header::{CACHE_CONTROL, SET_COOKIE, STRICT_TRANSPORT_SECURITY};
use pingora_error::Result;
use pingora_http::ResponseHeader;

use crate::context::{Context, Place};
use crate::cookie;

/// For answers made for one person whose upstream says nothing about caches.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");

/// Removes cookies under our own names, and keeps caches from what was made for one person.
///
/// # Errors
/// A header cannot be set, which is a defect.
pub fn mend(answer: &mut ResponseHeader, context: &Context) -> Result<()> {
    if !answer.status.is_informational() {
        tell_hsts(answer, context)?;
    }
    match context.visit.as_ref().map(|visit| &visit.place) {
        Some(Place::Portal) => return Ok(()),
        Some(Place::Site(_) | Place::AcmeChallenge(_)) | None => {}
    }
    keep_our_cookie(answer)?;
    let person = context
        .admission
        .as_ref()
        .and_then(|admission| admission.person());
    if person.is_some()
        && !answer.headers.contains_key(CACHE_CONTROL)
        && !answer.status.is_informational()
    {
        answer.insert_header(CACHE_CONTROL, PRIVATE)?;
    }
    Ok(())
}

/// Has browsers that came by https come by nothing else, unless the upstream says something of its own about that.
///
/// # Errors
/// A header cannot be set, which is a defect.
pub fn tell_hsts(answer: &mut ResponseHeader, context: &Context) -> Result<()> {
    match &context.hsts {
        Some(hsts) if !answer.headers.contains_key(STRICT_TRANSPORT_SECURITY) => {
            answer.insert_header(STRICT_TRANSPORT_SECURITY, hsts.clone())
        }
        Some(_) | None => Ok(()),
    }
}

fn keep_our_cookie(answer: &mut ResponseHeader) -> Result<()> {
    let planted = |value: &HeaderValue| cookie::plants_ours(value.as_bytes());
    if !answer.headers.get_all(SET_COOKIE).iter().any(planted) {
        return Ok(());
    }
    let others: Vec<HeaderValue> = answer
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .filter(|value| !planted(value))
        .cloned()
        .collect();
    tracing::warn!("an upstream tried to set the gateway's own cookie");
    answer.remove_header(&SET_COOKIE);
    others
        .into_iter()
        .try_for_each(|value| answer.append_header(SET_COOKIE, value).map(|_| ()))
}
