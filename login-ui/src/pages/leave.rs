//! The last page of the portal before another host.
//!
//! A browser holds every redirect after a form to the form's `form-action`, which is our own origin alone. So the answer
//! to a form leads to this page, and this page leads on, without script.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::answer;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "leave.html")]
struct Page {
    frame: Frame,
    host: String,
    way: String,
}

/// Leads on. Where to is judged once more: anybody may make a link to here.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let to = visit.to(visit.query.get("to"));
    let way = visit.way(&to);
    let Some(elsewhere) = to.elsewhere() else {
        return answer::see_other(&way);
    };
    let (_, host) = elsewhere.origin.split_once("://").ok_or(Failure::Broken)?;
    let page = Page {
        frame: Frame::new(&visit.live, "One moment"),
        host: host.to_owned(),
        way,
    };
    answer::page(StatusCode::OK, &page)
}
