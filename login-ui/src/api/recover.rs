//! A forgotten password: a code is mailed, and with it another password is set.

use axum::Json;
use axum::response::{IntoResponse, Response};
use doorward_identity::FlowToken;
use doorward_identity::recover::{
    Began, Checked, NewPassword, begin, check_code, set_password, use_link,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Sent, Text, missing};
use super::openapi::Refusals;
use crate::answer::Wait;
use crate::failure::Failure;
use crate::problem;
use crate::visit::Visit;

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
pub(super) struct Recover {
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    email: Text,
}

/// The same whether somebody has that address or not.
#[derive(Serialize, ToSchema)]
struct Asked {
    /// To be sent along with the code.
    flow: String,
}

/// Have a code mailed.
#[utoipa::path(
    post, path = "/api/recover", request_body = Recover,
    responses((status = 202, body = Asked), Refusals)
)]
pub(super) async fn post(visit: Visit, Sent(form): Sent<Recover>) -> Result<Response, Failure> {
    match begin(&visit.ui.identity, &visit.live, &form.email, &visit.client).await? {
        Began::Sent(flow) => {
            let asked = Asked { flow: flow.text() };
            Ok((StatusCode::ACCEPTED, Json(asked)).into_response())
        }
        Began::Invalid(problems) => Ok(problem::judged(&problems)),
        Began::Slow { retry_after } => Ok(problem::wait(Wait::Slowed(retry_after))),
    }
}

/// The code with the flow that it was asked for in, or the `t` of the mail's link; or, where the password was not good
/// enough, the permit that came of it.
#[derive(Deserialize, ToSchema)]
pub(super) struct Confirm {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    flow: Text,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Text,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    t: Text,
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    password: Text,
}

impl Confirm {
    /// Without a flow there has to be a link.
    fn needed(&self) -> Vec<(&str, &Text)> {
        let mut needed = vec![("password", &self.password)];
        if self.t.is_empty() {
            needed.push(("flow", &self.flow));
        }
        if self.t.is_empty() && self.flow.is_empty() {
            needed.push(("code", &self.code));
        }
        needed
    }
}

/// Set another password. Every session of the account ends, and nobody is signed in by it.
#[utoipa::path(
    post, path = "/api/recover/confirm", request_body = Confirm,
    responses((status = 204, description = "It is set."), Refusals)
)]
pub(super) async fn confirm(visit: Visit, Sent(form): Sent<Confirm>) -> Result<Response, Failure> {
    // Before a code is used up.
    if let Some(response) = missing(&form.needed()) {
        return Ok(response);
    }
    let (identity, live, client) = (&visit.ui.identity, &visit.live, &visit.client);
    let gone = || problem::invalid([("code", "It doesn’t work any more. Ask for another.")]);
    let flow = FlowToken::parse(&form.flow);
    let permit = if form.code.is_empty() && form.t.is_empty() {
        // The code was good, and the password was not: this is the second try.
        match flow {
            Some(permit) => permit,
            None => return Ok(gone()),
        }
    } else {
        let checked = match (&flow, &*form.t) {
            (_, link) if !link.is_empty() => use_link(identity, live, link, client).await?,
            (Some(flow), _) => check_code(identity, live, (flow, &form.code), client).await?,
            (None, _) => return Ok(gone()),
        };
        match checked {
            Checked::Right(permit) => permit,
            Checked::Wrong => {
                return Ok(problem::invalid([("code", "That isn’t the code.")]));
            }
            Checked::Gone => return Ok(gone()),
            Checked::Slow { retry_after } => return Ok(problem::wait(Wait::Slowed(retry_after))),
        }
    };
    match set_password(identity, live, (&permit, &form.password), client).await? {
        NewPassword::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        NewPassword::Invalid(problems) => Ok(problem::invalid_with(
            problem::members(&problems),
            ("flow", &permit.text()),
        )),
        NewPassword::Gone => Ok(gone()),
        NewPassword::Busy { retry_after } => Ok(problem::wait(Wait::Busy(retry_after))),
    }
}
