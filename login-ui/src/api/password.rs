//! Another password, by somebody who knows the old one.

use axum::response::{IntoResponse, Response};
use doorward_identity::change::{ChangedPassword, PasswordChange, change_password};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Refused, Sent, Text, missing};
use super::caller::{self, Called};
use super::openapi::Refusals;
use super::{login, tokens};
use crate::answer::Wait;
use crate::failure::Failure;
use crate::problem::{self, Challenge};
use crate::visit::Visit;

/// Both are needed.
#[derive(Deserialize, ToSchema)]
pub(super) struct Password {
    /// The password so far.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    current: Text,
    /// The new one.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    password: Text,
}

/// Change the password. Every session ends; these tokens are for a new one.
#[utoipa::path(
    post, path = "/api/password", request_body = Password,
    security(("bearer" = [])),
    responses((status = 200, body = tokens::Tokens), Refusals)
)]
pub(super) async fn post(
    visit: Visit,
    sent: Result<Sent<Password>, Refused>,
) -> Result<Response, Failure> {
    let caller = match caller::by_token(&visit).await? {
        Called::By(caller) => caller,
        Called::Refused(response) => return Ok(response),
    };
    let form = match sent {
        Ok(Sent(form)) => form,
        Err(refused) => return Ok(refused.into_response()),
    };
    if let Some(response) = missing(&[("current", &form.current), ("password", &form.password)]) {
        return Ok(response);
    }
    let change = PasswordChange {
        account: caller.account.id,
        current: &form.current,
        password: &form.password,
        session: caller.session.key,
    };
    match change_password(&visit.ui.identity, &visit.live, change, &visit.client).await? {
        ChangedPassword::Done(opened) => login::welcome(&visit, &opened).await,
        ChangedPassword::SignedOut => Ok(problem::unauthorized(
            Challenge::BadToken,
            "The password is changed, but you were signed out meanwhile.",
        )),
        ChangedPassword::Wrong => Ok(problem::invalid([(
            "current",
            "That isn’t your current password.",
        )])),
        ChangedPassword::Invalid(problems) => Ok(problem::judged(&problems)),
        ChangedPassword::Slow { retry_after } => Ok(problem::wait(Wait::Slowed(retry_after))),
        ChangedPassword::Busy { retry_after } => Ok(problem::wait(Wait::Busy(retry_after))),
    }
}
