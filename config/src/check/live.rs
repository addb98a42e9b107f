//! What a reload may change, the sites apart.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::sites::Around;
use super::{
    certificates, lasting, mail, net, plain, portal, sites, size, size_or_unlimited, take,
    take_each, whole, words,
};
use crate::problem::{Fault, Findings};
use crate::raw;
use crate::{
    Api, Lifetimes, Limits, Live, PasswordPolicy, Registration, Role, Throttle, VerifyEmail,
};

const SECOND: Duration = Duration::from_secs(1);
/// Longer than keys that signed before are kept must no token live.
const LONGEST_TOKEN: Duration = Duration::from_hours(24);
/// The longest that browsers keep a cookie (RFC 6265bis, section 5.5).
const COOKIE_LIFE: Duration = Duration::from_hours(400 * 24);

pub(super) fn check(file: &raw::File, findings: &mut Findings<'_>) -> Live {
    let trusted = file.server.trusted_proxies.as_ref();
    let limits = limits(&file.limits, findings);
    let verify_email = mail::verification(file);
    Live {
        portal: portal::check(file, findings),
        session: session(&file.session, findings),
        registration: registration(&file.registration, verify_email, findings),
        password: PasswordPolicy {
            min_length: take(
                file.password.min_length.as_ref(),
                PasswordPolicy::default().min_length,
                |number| whole(*number, 8..=128),
                findings,
            ),
        },
        recovery: mail::recovery(&file.recovery, findings),
        api: Api {
            access_token_life: take(
                file.api.access_token_life.as_ref(),
                Api::default().access_token_life,
                |text| lasting(text, SECOND..=LONGEST_TOKEN),
                findings,
            ),
        },
        mail: mail::check(&file.mail, findings),
        throttle: throttle(&file.throttle, findings),
        trusted_proxies: trusted
            .map(|list| take_each(list, net::network, findings))
            .unwrap_or_default(),
        proxy_protocol: file
            .server
            .proxy_protocol
            .as_ref()
            .map(|list| take_each(list, net::network, findings))
            .unwrap_or_default(),
        redirect_to_tls: certificates::redirect(&file.server, findings),
        certificates: certificates::check(file, findings),
        sites: {
            let around = Around {
                limits: &limits,
                verify_email,
            };
            sites::check(file.site.as_ref(), around, findings)
        },
        limits,
    }
}

/// The upper bounds are those at which the proxy library answers by itself; half of that for a head, which may be read twice.
fn limits(limits: &raw::Limits, findings: &mut Findings<'_>) -> Limits {
    let default = Limits::default();
    Limits {
        header_bytes: take(
            limits.header_bytes.as_ref(),
            default.header_bytes,
            |text| size(text, 1 << 10..=512 << 10),
            findings,
        ),
        header_count: take(
            limits.header_count.as_ref(),
            default.header_count,
            |number| whole(*number, 10..=256),
            findings,
        ),
        header_timeout: take(
            limits.header_timeout.as_ref(),
            default.header_timeout,
            |text| lasting(text, Duration::from_millis(100)..=Duration::from_mins(10)),
            findings,
        ),
        body: take(
            limits.body.as_ref(),
            default.body,
            size_or_unlimited,
            findings,
        ),
        connections_per_address: take(
            limits.connections_per_address.as_ref(),
            default.connections_per_address,
            |number| whole(*number, 1..=1_000_000),
            findings,
        ),
        requests_per_connection: take(
            limits.requests_per_connection.as_ref(),
            default.requests_per_connection,
            |number| whole(*number, 1..=1_000_000_000),
            findings,
        ),
    }
}

fn session(session: &raw::Session, findings: &mut Findings<'_>) -> Lifetimes {
    let default = Lifetimes::default();
    let life = SECOND..=COOKIE_LIFE;
    let mut within = |value: &Option<_>, default, bounds: &RangeInclusive<Duration>| {
        let parse = |text: &_| lasting(text, bounds.clone());
        take(value.as_ref(), default, parse, findings)
    };
    Lifetimes {
        idle: within(&session.idle, default.idle, &life),
        absolute: within(&session.absolute, default.absolute, &life),
        remember: within(&session.remember, default.remember, &life),
        outage_grace: within(
            &session.outage_grace,
            default.outage_grace,
            &(Duration::ZERO..=Duration::from_hours(24)),
        ),
    }
}

fn registration(
    registration: &raw::Registration,
    verify_email: VerifyEmail,
    findings: &mut Findings<'_>,
) -> Registration {
    let default = Registration::default();
    let reserved = registration.reserved_names.as_ref();
    let roles = registration.default_roles.as_ref();
    Registration {
        mode: plain(registration.mode.as_ref(), default.mode),
        verify_email,
        allowed_domains: mail::allowed_domains(registration, verify_email, findings),
        username: plain(registration.username.as_ref(), default.username),
        reserved_names: reserved.map_or(default.reserved_names, |list| {
            take_each(list, |name| words(name, 64), findings)
        }),
        default_roles: roles.map_or(default.default_roles, |list| {
            take_each(list, role, findings)
        }),
    }
}

pub(super) fn role(text: &str) -> Result<Role, Fault> {
    Role::parse(text)
        .map_err(|why| Fault::new(format!("`{text}` is not a role")).help(why.to_string()))
}

fn throttle(throttle: &raw::Throttle, findings: &mut Findings<'_>) -> Throttle {
    let default = Throttle::default();
    Throttle {
        account_failures: take(
            throttle.account_failures.as_ref(),
            default.account_failures,
            |number| whole(*number, 1..=1_000_000),
            findings,
        ),
        address_failures: take(
            throttle.address_failures.as_ref(),
            default.address_failures,
            |number| whole(*number, 1..=1_000_000),
            findings,
        ),
    }
}
