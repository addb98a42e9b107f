//! `GET api/me`: who is signed in, for the site's own scripts.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::failure::Failure;
use crate::problem;
use crate::visit::Visit;

/// The names are part of the outside contract (product.md §5).
#[derive(Serialize)]
struct Me {
    id: String,
    username: Option<String>,
    email: String,
    email_verified: bool,
    first_name: String,
    last_name: String,
    date_of_birth: Option<String>,
    roles: Vec<String>,
    mfa_enabled: bool,
}

/// The person whose session the cookie carries.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((_, account)) = visit.person().await? else {
        return Ok(problem::response(
            StatusCode::UNAUTHORIZED,
            Some("Nobody is signed in."),
        ));
    };
    let mfa_enabled = account.mfa_enabled();
    let me = Me {
        id: account.id.to_string(),
        username: account.username,
        email: account.email,
        email_verified: account.email_verified,
        first_name: account.first_name,
        last_name: account.last_name,
        date_of_birth: account.date_of_birth.map(|date| date.to_string()),
        roles: account.roles,
        mfa_enabled,
    };
    Ok(Json(me).into_response())
}
