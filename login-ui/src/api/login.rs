//! Signing in, in one request: name, password, and the code where one is asked for.

use axum::body::Body;
use axum::response::Response;
use doorward_identity::flow::FlowToken;
use doorward_identity::refresh;
use doorward_identity::session::{Opened, Remembered};
use doorward_identity::sign_in::{Attempt, SecondStep, SignIn, Stepped, second_step, sign_in};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::openapi::Refusals;
use super::{body, tokens};
use crate::answer::Wait;
use crate::failure::Failure;
use crate::problem::{self, Challenge, Kind};
use crate::visit::Visit;

/// One of the three names is needed.
#[derive(Deserialize, ToSchema)]
#[serde(default)]
#[derive(Default)]
#[expect(
    clippy::struct_field_names,
    reason = "the names are part of the outside contract"
)]
pub(super) struct Login {
    /// Username or e-mail.
    login: Option<String>,
    /// Username.
    username: Option<String>,
    /// E-mail.
    email: Option<String>,
    /// Password.
    password: String,
    /// Code of the authenticator app, or a recovery code.
    code: Option<String>,
}

/// Sign in.
#[utoipa::path(
    post, path = "/api/login", request_body = Login,
    responses((status = 200, body = tokens::Tokens), Refusals)
)]
pub(super) async fn post(
    visit: Visit,
    headers: HeaderMap,
    sent: Body,
) -> Result<Response, Failure> {
    let form: Login = body::read(&headers, sent).await?;
    let name = [&form.login, &form.username, &form.email];
    let name = name.into_iter().flatten().next().map_or("", String::as_str);
    if name.is_empty() || form.password.is_empty() {
        let missing = if name.is_empty() { "login" } else { "password" };
        return Ok(problem::invalid([(missing, "This is needed.")]));
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
        SignIn::CodeNeeded(flow) => match form.code.as_deref() {
            Some(code) if !code.trim().is_empty() => with_code(&visit, &flow, code).await,
            _ => Ok(problem::of(
                Kind::TwoFactorRequired,
                StatusCode::UNAUTHORIZED,
                "A code is needed as well: send it as `code`.",
            )),
        },
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
