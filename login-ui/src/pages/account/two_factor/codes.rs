//! Recovery codes, shown once.

use askama::Template;
use axum::response::Response;
use doorward_identity::two_factor::RecoveryCode;
use http::StatusCode;

use crate::answer;
use crate::failure::Failure;
use crate::frame::Frame;
use crate::to::To;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "two_factor_codes.html")]
struct Page {
    frame: Frame,
    codes: Vec<String>,
    /// Where somebody was going before they needed all this, or back.
    way: String,
}

pub(super) fn show(visit: &Visit, codes: &[RecoveryCode], to: &To) -> Result<Response, Failure> {
    let page = Page {
        frame: Frame::new(&visit.live, "Your recovery codes"),
        codes: codes.iter().map(RecoveryCode::text).collect(),
        way: if to.is_home() {
            visit.portal("account/two-factor")
        } else {
            visit.way(to)
        },
    };
    answer::page(StatusCode::OK, &page)
}
