//! Where sessions are kept. Messages here never quote a value: it may carry a
//! password.

use std::ops::Range;

use url::Url;

use super::mail::percent_decoded;
use super::stores::secret;
use super::{take, words};
use crate::problem::{Fault, Findings};
use crate::raw::{self, At};
use crate::{Redis, RedisNodes, RedisServers, Secret};

/// Longest name of a master, in characters.
const NAME: usize = 200;

pub(super) fn check(redis: &raw::Redis, findings: &mut Findings<'_>) -> Option<Redis> {
    let url = secret(
        ("url", redis.url.as_ref()),
        ("url_file", redis.url_file.as_ref()),
        findings,
    );
    only_one(redis, findings);
    let servers = match (url, &redis.cluster, &redis.sentinel) {
        (Some((url, span)), _, _) => {
            if let Err(fault) = server(url.expose()) {
                findings.add(&span, fault);
            }
            Some(RedisServers::One(url))
        }
        (None, Some(nodes), _) => Some(RedisServers::Cluster(cluster(redis, nodes, findings))),
        (None, None, Some(known)) => sentinel(redis, known, findings),
        (None, None, None) => None,
    };
    let login = [
        redis.username.as_ref(),
        redis.password.as_ref(),
        redis.password_file.as_ref(),
    ];
    let many = redis.cluster.is_some() || redis.sentinel.is_some();
    if let (false, Some(login)) = (many, login.into_iter().flatten().next()) {
        let fault = Fault::new("this is for the servers of `cluster` and behind `sentinel`");
        findings.add(
            login.span(),
            fault.help("write it into `url`, or into the file of `url_file`"),
        );
    }
    let authorities = authorities(redis, servers.as_ref(), findings);
    Some(Redis {
        servers: servers?,
        authorities,
    })
}

/// Of `url`, `cluster` and `sentinel` there may be one.
fn only_one(redis: &raw::Redis, findings: &mut Findings<'_>) {
    let url = redis.url.as_ref().or(redis.url_file.as_ref());
    let places = [
        url.map(At::span),
        redis.cluster.as_ref().map(At::span),
        redis.sentinel.as_ref().map(At::span),
    ];
    for span in places.into_iter().flatten().skip(1) {
        let fault = Fault::new("sessions are kept in one place: `url`, `cluster` or `sentinel`");
        findings.add(span, fault.help("keep one of them"));
    }
}

fn cluster(
    redis: &raw::Redis,
    list: &At<Vec<At<String>>>,
    findings: &mut Findings<'_>,
) -> RedisNodes {
    let nodes: Vec<_> = list
        .get()
        .iter()
        .map(|node| (node.get().clone(), node.span().clone()))
        .collect();
    let addresses = addresses(&nodes, list.span(), findings);
    let urls: Vec<_> = nodes
        .iter()
        .filter(|(text, _)| is_networked(text) && server(text).is_ok())
        .filter_map(|(text, span)| Some((Url::parse(text).ok()?, span)))
        .collect();
    for (url, span) in &urls {
        if !matches!(url.path(), "" | "/" | "/0") {
            let fault = Fault::new("Redis Cluster has no database but 0");
            findings.add(span, fault.help("leave out what is behind the `/`"));
        }
    }
    let mut known = with_login(redis, addresses, findings);
    let mut logins = urls.iter().filter(|(url, _)| has_login(url));
    let Some((first, span)) = logins.next() else {
        return known;
    };
    if redis.username.is_some() || redis.password.is_some() || redis.password_file.is_some() {
        let fault = Fault::new("user and password stand here and in keys of their own");
        findings.add(span, fault.help("keep one of them"));
    }
    for (url, span) in logins {
        if (url.username(), url.password()) != (first.username(), first.password()) {
            let fault = Fault::new("another user or password than before");
            findings.add(
                span,
                fault.help("nodes tell of each other, so all are signed in to alike"),
            );
        }
    }
    let mut decoded = |text: &str| {
        percent_decoded(text)
            .inspect_err(|fault| findings.add(span, fault.clone()))
            .ok()
    };
    known.username = decoded(first.username()).filter(|name| !name.is_empty());
    known.password = first.password().and_then(decoded).map(Secret::from);
    known
}

fn sentinel(
    redis: &raw::Redis,
    known: &At<raw::Sentinel>,
    findings: &mut Findings<'_>,
) -> Option<RedisServers> {
    let raw::Sentinel {
        master,
        nodes,
        nodes_file,
    } = known.get();
    if master.is_none() {
        let fault = Fault::new("`master` is missing: the name that the sentinels know it by");
        findings.add(
            known.span(),
            fault.help("for example { master = \"mymaster\", … }"),
        );
    }
    let named = take(
        master.as_ref(),
        None,
        |name| words(name, NAME).map(Some),
        findings,
    );
    let (nodes, place) = sentinels(known.span(), nodes.as_ref(), nodes_file.as_ref(), findings)?;
    let addresses = addresses(&nodes, &place, findings);
    let databases: Vec<_> = nodes
        .iter()
        .filter_map(|(text, _)| database(text))
        .collect();
    if let Some(at) = databases
        .iter()
        .position(|number| databases.first() != Some(number))
        && let Some((_, span)) = nodes.get(at)
    {
        let fault = Fault::new("this names another database than the first");
        findings.add(
            span,
            fault.help("the number behind the `/` is the master's database, the same in all"),
        );
    }
    let sentinels = with_login(redis, addresses, findings);
    Some(RedisServers::Sentinel {
        master: named?,
        sentinels,
    })
}

type Written = (String, Range<usize>);

/// The sentinels' addresses, from the list or from the lines of a file.
fn sentinels(
    whole: &Range<usize>,
    nodes: Option<&At<Vec<At<String>>>>,
    file: Option<&At<String>>,
    findings: &mut Findings<'_>,
) -> Option<(Vec<Written>, Range<usize>)> {
    match (nodes, file) {
        (Some(_), Some(file)) => {
            let fault = Fault::new("`nodes` and `nodes_file` are both set");
            findings.add(file.span(), fault.help("keep one of them"));
            None
        }
        (Some(list), None) => {
            let written = list.get().iter();
            let written = written.map(|node| (node.get().clone(), node.span().clone()));
            Some((written.collect(), list.span().clone()))
        }
        (None, Some(_)) => {
            let (text, span) = secret(("nodes", None), ("nodes_file", file), findings)?;
            let lines = text.expose().lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty());
            Some((
                lines.map(|line| (line.to_owned(), span.clone())).collect(),
                span,
            ))
        }
        (None, None) => {
            let fault = Fault::new("`nodes` is missing: the addresses of the sentinels");
            findings.add(
                whole,
                fault.help("for example nodes = [\"redis://10.0.0.1:26379\"]"),
            );
            None
        }
    }
}

/// Addresses of several servers: over TCP, and all with TLS or none.
fn addresses(nodes: &[Written], place: &Range<usize>, findings: &mut Findings<'_>) -> Vec<Secret> {
    if nodes.is_empty() {
        let fault = Fault::new("with no address nothing can be asked");
        findings.add(place, fault.help("for example [\"redis://10.0.0.1:6379\"]"));
    }
    let first = nodes.first().map(|(text, _)| is_tls(text));
    for (text, span) in nodes {
        if let Err(fault) = server(text) {
            findings.add(span, fault);
        } else if !is_networked(text) {
            let fault = Fault::new("this server cannot be reached over the network");
            findings.add(span, fault.help("for example \"redis://10.0.0.1:6379\""));
        } else if Some(is_tls(text)) != first {
            let fault = Fault::new("some of these are redis:// and some rediss://");
            findings.add(span, fault.help("all servers are asked with TLS, or none"));
        }
    }
    nodes
        .iter()
        .map(|(text, _)| Secret::from(text.as_str()))
        .collect()
}

fn with_login(
    redis: &raw::Redis,
    addresses: Vec<Secret>,
    findings: &mut Findings<'_>,
) -> RedisNodes {
    let password = secret(
        ("password", redis.password.as_ref()),
        ("password_file", redis.password_file.as_ref()),
        findings,
    );
    if let (Some(user), None) = (&redis.username, &password)
        && redis.password_file.is_none()
    {
        let fault = Fault::new("a user, but no password");
        findings.add(user.span(), fault.help("set `password` or `password_file`"));
    }
    RedisNodes {
        addresses,
        username: redis.username.as_ref().map(|name| name.get().clone()),
        password: password.map(|(password, _)| password),
    }
}

/// Own certificates make sense with TLS only.
fn authorities(
    redis: &raw::Redis,
    servers: Option<&RedisServers>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let file = redis.ca_file.as_ref()?;
    let tls = servers.is_some_and(|servers| match servers {
        RedisServers::One(url) => is_tls(url.expose()),
        RedisServers::Cluster(nodes)
        | RedisServers::Sentinel {
            sentinels: nodes, ..
        } => nodes.addresses.iter().any(|node| is_tls(node.expose())),
    });
    if !tls {
        let fault = Fault::new("certificates to check against, but no rediss:// address");
        findings.add(
            file.span(),
            fault.help("leave it out, or write rediss:// for TLS"),
        );
        return None;
    }
    let (text, _) = secret(("ca", None), ("ca_file", Some(file)), findings)?;
    if !text.expose().contains("-----BEGIN CERTIFICATE-----") {
        let fault = Fault::new(format!("there is no certificate in `{}`", file.get()));
        findings.add(file.span(), fault.help("it holds certificates in PEM"));
        return None;
    }
    Some(text.expose().to_owned())
}

fn is_networked(address: &str) -> bool {
    address.starts_with("redis://") || is_tls(address)
}

fn is_tls(address: &str) -> bool {
    address.starts_with("rediss:")
}

fn has_login(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The number behind the `/`.
fn database(address: &str) -> Option<u8> {
    let url = Url::parse(address).ok()?;
    match url.path().trim_start_matches('/') {
        "" => Some(0),
        number => number.parse().ok(),
    }
}

/// Whether this is the address of one server.
fn server(text: &str) -> Result<(), Fault> {
    let no_address = || {
        Fault::new("this is not the address of a Redis")
            .help("for example \"redis://127.0.0.1:6379/0\", \"rediss://…\" (TLS) or \"redis+unix:///run/redis.sock\"")
    };
    let url = Url::parse(text).map_err(|_| no_address())?;
    if url.fragment().is_some() {
        // Some libraries read `#insecure` as leave to believe any certificate.
        return Err(Fault::new("an address of a Redis has no `#` in it")
            .help("in a user or password it is written %23"));
    }
    match url.scheme() {
        "redis" | "rediss" => {
            let named = url.host_str().is_some_and(|host| !host.is_empty());
            if !named || url.port() == Some(0) {
                return Err(no_address());
            }
            if url.query().is_some() {
                return Err(Fault::new("an address of a Redis has no `?` in it")
                    .help("in a user or password it is written %3F"));
            }
            if database(text).is_none() {
                return Err(
                    Fault::new("behind the `/` belongs the number of a database")
                        .help("as in \"redis://127.0.0.1:6379/0\""),
                );
            }
            Ok(())
        }
        "redis+unix" | "unix" if url.path().len() > 1 && url.host_str().is_none() => Ok(()),
        _ => Err(no_address()),
    }
}
