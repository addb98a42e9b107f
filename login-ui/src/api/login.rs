//! Signing in, in one request: name, password, and the code where one is asked for.

use axum::response::Response;
use doorward_identity::flow::FlowToken;
use doorward_identity::refresh;
use doorward_identity::session::{Opened, Remembered};
use doorward_identity::sign_in::{Attempt, SecondStep, SignIn, Stepped, second_step, sign_in};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{Sent, Text, missing};
use super::openapi::Refusals;
use super::tokens;
use crate::answer::Wait;
use crate::failure::Failure;
use crate::problem::{self, Challenge, Kind};
use crate::visit::Visit;

/// One of the three names is needed.
#[derive(Deserialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are part of the outside contract"
)]
pub(super) struct Login {
    /// Username or e-mail.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    login: Text,
    /// Username.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    username: Text,
    /// E-mail.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Text,
    /// Password.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1)]
    password: Text,
    /// Code of the authenticator app, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Text,
}

/// Sign in.
#[utoipa::path(
    post, path = "/api/login", request_body = Login,
    responses((status = 200, body = tokens::Tokens), Refusals)
)]
pub(super) async fn post(visit: Visit, Sent(form): Sent<Login>) -> Result<Response, Failure> {
    let mut names = [&form.login, &form.username, &form.email].into_iter();
    let name = names.find(|name| !name.is_empty()).unwrap_or(&form.login);
    if let Some(response) = missing(&[("login", name), ("password", &form.password)]) {
        return Ok(response);
    }
    let attempt = Attempt {
        login: name,
        password: &form.password,
        remember: Remembered::No,
        client: &visit.client,
        former: None,
    };
    match sign_in(&visit.ui.identity, &visit.live, attempt).await? {
        SignIn::Welcome(opened) => welcome(&visit, &opened).await,
        SignIn::CodeNeeded(flow) if !form.code.trim().is_empty() => {
            with_code(&visit, &flow, &form.code).await
        }
        SignIn::CodeNeeded(_) => Ok(problem::of(
            Kind::TwoFactorRequired,
            StatusCode::UNAUTHORIZED,
            "A code is needed as well: send it as `code`.",
        )),
        SignIn::Refused => Ok(refused("That name and password don’t match.")),
        SignIn::Unverified(_) => Ok(problem::of(
            Kind::VerificationRequired,
            StatusCode::FORBIDDEN,
            "The e-mail address is not confirmed yet: a code was mailed to it.",
        )),
        SignIn::Slow { retry_after } => Ok(problem::wait(Wait::Slowed(retry_after))),
        SignIn::Busy { retry_after } => Ok(problem::wait(Wait::Busy(retry_after))),
    }
}

async fn with_code(visit: &Visit, flow: &FlowToken, code: &str) -> Result<Response, Failure> {
    let step = SecondStep {
        flow,
        code,
        client: &visit.client,
        former: None,
    };
    match second_step(&visit.ui.identity, &visit.live, step).await? {
        Stepped::Welcome(opened) => welcome(visit, &opened).await,
        Stepped::Refused | Stepped::Gone => Ok(refused("That code doesn’t work.")),
        Stepped::Slow { retry_after } => Ok(problem::wait(Wait::Slowed(retry_after))),
    }
}

fn refused(text: &str) -> Response {
    problem::unauthorized(Challenge::Nothing, text)
}

/// The token of the session stays here: it would be a cookie.
pub(super) async fn welcome(visit: &Visit, opened: &Opened) -> Result<Response, Failure> {
    let (session, record) = (&opened.key, &opened.record);
    let refresh = refresh::issue(&visit.ui.identity, session, record).await?;
    tokens::answer(visit, (session, record), &refresh)
}
