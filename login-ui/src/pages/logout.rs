//! Signing out.

use askama::Template;
use axum::response::Response;
use doorward_config::SignInAt;
use doorward_identity::sign_out::sign_out;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, SET_COOKIE};
use http::{HeaderValue, StatusCode};

use crate::answer;
use crate::cookie::Jar;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::Frame;
use crate::guard;
use crate::visit::Visit;

/// Makes the browser forget pages that were shown while signed in (W3C Clear Site Data).
const CLEAR: (HeaderName, HeaderValue) = (
    HeaderName::from_static("clear-site-data"),
    HeaderValue::from_static("\"cache\""),
);

#[derive(Template)]
#[template(path = "logout.html")]
struct Page {
    frame: Frame,
    person: Option<String>,
}

/// Asks; a mere visit changes nothing.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let person = visit.session().await?.map(|session| session.person());
    let heading = if person.is_some() {
        "Sign out?"
    } else {
        "You’re signed out"
    };
    let page = Page {
        frame: Frame::new(&visit.live, heading),
        person,
    };
    let mut response = answer::page(StatusCode::OK, &page)?;
    if let (SignInAt::Elsewhere, Some(portal)) = (visit.sign_in_at(), &visit.live.portal.url) {
        // From the site's start page strangers go on to the portal, and browsers hold that to the form's page as well.
        let origin = portal.origin().ascii_serialization();
        let policy = guard::policy_with_forms_to(&origin).ok_or(Failure::Broken)?;
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// Ends the session in the store first; only then is the browser told to forget it.
pub(crate) async fn post(visit: Visit, _: Fields) -> Result<Response, Failure> {
    if let Some(key) = visit.carried() {
        sign_out(&visit.ui.identity, &key, &visit.client).await?;
    }
    Ok(forget(&visit, answer::see_other("/")?))
}

/// Has the browser forget its session, and what it was shown.
pub(crate) fn forget(visit: &Visit, mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(SET_COOKIE, Jar::Session.clear(visit.scheme));
    response.headers_mut().insert(CLEAR.0, CLEAR.1);
    response
}
