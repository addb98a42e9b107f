//! Making an account. Signing in comes after.

use axum::Json;
use axum::response::{IntoResponse, Response};
use doorward_identity::register::{NewAccount, Registered, register};
use doorward_identity::session::Ended;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Sent, Text};
use super::openapi::Refusals;
use crate::answer::Wait;
use crate::failure::Failure;
use crate::problem;
use crate::visit::Visit;

/// The account that is wanted. Roles cannot be asked for.
#[derive(Deserialize, ToSchema)]
pub(super) struct Register {
    /// May be absent where it is optional.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    username: Text,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    email: Text,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    password: Text,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    first_name: Text,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    last_name: Text,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    date_of_birth: Text,
    /// What the link of an invitation carries.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    invite: Text,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
struct Made {
    /// As it was sent.
    email: String,
    /// Whether a code that was mailed there has to be entered first, on the page `verify` after signing in.
    verification_required: bool,
}

/// Create an account.
#[utoipa::path(
    post, path = "/api/register", request_body = Register,
    responses((status = 201, body = Made), Refusals)
)]
pub(super) async fn post(visit: Visit, Sent(form): Sent<Register>) -> Result<Response, Failure> {
    let account = NewAccount {
        username: &form.username,
        email: &form.email,
        password: &form.password,
        first_name: &form.first_name,
        last_name: &form.last_name,
        date_of_birth: &form.date_of_birth,
        invite: &form.invite,
    };
    let (identity, live) = (&visit.ui.identity, &visit.live);
    let verification_required = match register(identity, live, account, &visit.client, None).await?
    {
        Registered::Welcome(opened) => {
            // Whoever wants tokens signs in: nothing is left open that nobody holds.
            identity.sessions.revoke(&opened.key, Ended::Logout).await?;
            false
        }
        Registered::Verify(_) => true,
        Registered::Invalid(problems) => {
            return Ok(problem::judged(&problems));
        }
        Registered::Closed => return Err(Failure::Closed),
        Registered::Uninvited => return Err(Failure::Uninvited),
        Registered::Slow { retry_after } => return Ok(problem::wait(Wait::Slowed(retry_after))),
        Registered::Busy { retry_after } => return Ok(problem::wait(Wait::Busy(retry_after))),
    };
    let made = Made {
        email: form.email.into(),
        verification_required,
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}
