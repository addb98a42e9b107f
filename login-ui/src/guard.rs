//! What stands before and around every page: who may send a form, and the headers that keep a page to itself.
//!
//! Owns the same-origin rule for changes, the navigate-only rule, and the security headers. Must not know the pages.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use doorward_identity::proof::is_complete;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, ORIGIN, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::answer;
use crate::failure::Failure;
use crate::form;
use crate::origin::{Origin, Scheme};
use crate::visit::Visit;

/// Everything a page may load or do; nothing inline, nothing from elsewhere (CSP level 3).
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'; connect-src 'none'";

/// [`POLICY`], but what follows a form may lead to `origin` too.
pub(crate) fn policy_with_forms_to(origin: &str) -> Option<HeaderValue> {
    let forms = "form-action 'self'";
    HeaderValue::try_from(POLICY.replace(forms, &format!("{forms} {origin}"))).ok()
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Headers that every answer carries, `static/` included; there the caching header is already set.
const FIXED: [(HeaderName, HeaderValue); 8] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (VARY, HeaderValue::from_static("Cookie")),
];

/// Adds the security headers.
pub(crate) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in FIXED {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Goes beyond tower-http's `csrf` layer, which looks at the host only: without `Sec-Fetch-Site` the `Origin` must be
/// ours in its scheme too, and neither header may come twice.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if safe || is_ours(request.headers()) {
        next.run(request).await
    } else {
        Failure::Foreign.into_response()
    }
}

/// Takes the body in before anybody answers: an answer to a form that is still on its way may never be read, and the
/// sender is told of a broken gateway instead.
pub(crate) async fn whole(request: Request, next: Next) -> Response {
    if request.method() == Method::GET || request.method() == Method::HEAD {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match form::take(body).await {
        Ok(bytes) => {
            let request = Request::from_parts(parts, Body::from(bytes));
            next.run(request).await
        }
        Err(unread) => Failure::from(unread).into_response(),
    }
}

fn is_ours(headers: &HeaderMap) -> bool {
    let single = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        (values.next(), values.next().is_none())
    };
    let (site, one_site) = single(&SEC_FETCH_SITE);
    let (origin, one_origin) = single(&ORIGIN);
    if !one_site || !one_origin {
        return false;
    }
    match (site, origin) {
        // A browser that says it is judged by the csrf layer, on that alone.
        (Some(site), _) if !site.is_empty() => true,
        (_, None) => true,
        (_, Some(origin)) => Scheme::of(headers)
            .and_then(|scheme| Origin::of(headers, scheme))
            .zip(origin.to_str().ok())
            .is_some_and(|(ours, theirs)| ours.is_named_by(theirs)),
    }
}

/// Opens an account only to whoever has shown everything that it asks for: a session from before the second factor was
/// turned on goes on elsewhere, and is asked for a code here.
pub(crate) async fn both_factors(
    visit: Visit,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    match visit.person().await? {
        Some((session, account)) if !is_complete(&session.snapshot.record, &account) => {
            answer::see_other(&visit.portal("login/code?for=account"))
        }
        Some(_) | None => Ok(next.run(request).await),
    }
}

/// Serves navigations only: a script of the site behind us, which shares our origin, cannot read or change an account.
/// Browsers too old to send `Sec-Fetch-Mode` pass.
pub(crate) async fn navigations_only(request: Request, next: Next) -> Response {
    if request
        .headers()
        .get_all(SEC_FETCH_MODE)
        .iter()
        .all(|mode| mode == "navigate")
    {
        next.run(request).await
    } else {
        Failure::NotNavigated.into_response()
    }
}
