//! What only a restart can change.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::{database, lasting, net, plain, redis, size, take, take_each, whole};
use crate::problem::{Fault, Findings};
use crate::raw::{self, At};
use crate::{Boot, DatabaseUrl, Hashing, LogFormat};

pub(super) fn check(file: &raw::File, findings: &mut Findings<'_>) -> Boot {
    let server = &file.server;
    let default = Boot::default();
    let data_dir = take(server.data_dir.as_ref(), default.data_dir, path, findings);
    let secret_file = data_dir.join("secret.key");
    let database = DatabaseUrl::Sqlite(data_dir.join("doorward.db"));
    let some_tls = server
        .listen_tls
        .as_ref()
        .is_some_and(|list| !list.get().is_empty());
    if let Some(list) = &server.listen
        && list.get().is_empty()
        && !some_tls
    {
        let fault = Fault::new("with no address to listen on nobody could come in");
        findings.add(list.span(), fault.help("for example [\"[::]:8080\"]"));
    }
    let listen = listen(server.listen.as_ref(), default.listen, &[], findings);
    let listen_tls = self::listen(server.listen_tls.as_ref(), Vec::new(), &listen, findings);
    let taken = [listen.as_slice(), &listen_tls].concat();
    let admin = server.admin_listen.as_ref();
    let admin_listen = take(
        admin,
        default.admin_listen,
        |text| free_of(net::socket(text)?, &taken),
        findings,
    );
    Boot {
        admin_listen,
        threads: take(
            server.threads.as_ref(),
            default.threads,
            |number| Ok(NonZeroUsize::new(whole(*number, 0..=1024)?)),
            findings,
        ),
        secret_file: take(server.secret_file.as_ref(), secret_file, path, findings),
        drain: take(
            server.drain.as_ref(),
            default.drain,
            |text| lasting(text, Duration::ZERO..=Duration::from_hours(24)),
            findings,
        ),
        database: database::check(&file.database, database, findings),
        redis: redis::check(&file.redis, findings),
        hashing: hashing(&file.password, findings),
        log: plain(file.log.format.as_ref(), LogFormat::Auto),
        listen,
        listen_tls,
        data_dir,
    }
}

/// The addresses of a list, each one once and none of `taken`.
fn listen(
    list: Option<&At<Vec<At<String>>>>,
    default: Vec<SocketAddr>,
    taken: &[SocketAddr],
    findings: &mut Findings<'_>,
) -> Vec<SocketAddr> {
    let Some(list) = list else {
        return default;
    };
    let mut seen: Vec<SocketAddr> = Vec::new();
    let unseen = |text: &str| {
        let address = free_of(free_of(net::socket(text)?, taken)?, &seen)?;
        seen.push(address);
        Ok(address)
    };
    take_each(list, unseen, findings)
}

/// The address, if none of these is the same. Port 0 is always a free one.
fn free_of(address: SocketAddr, taken: &[SocketAddr]) -> Result<SocketAddr, Fault> {
    if address.port() != 0 && taken.contains(&address) {
        return Err(Fault::new(format!("`{address}` is already listened on")));
    }
    Ok(address)
}

fn path(text: &String) -> Result<PathBuf, Fault> {
    if text.is_empty() || text.contains('\0') {
        return Err(Fault::new("this is no path"));
    }
    Ok(PathBuf::from(text))
}

/// Bounds are argon2's own (RFC 9106, section 3.1), and what a machine can bear.
fn hashing(password: &raw::Password, findings: &mut Findings<'_>) -> Hashing {
    const KIB: u64 = 1 << 10;
    const GIB: u64 = 1 << 30;
    let default = Hashing::default();
    let lanes = take(
        password.lanes.as_ref(),
        default.lanes,
        |number| whole(*number, 1..=64),
        findings,
    );
    let memory = |text: &raw::SizeText| {
        let bytes = size(text, 8 * KIB * u64::from(lanes)..=4 * GIB)?;
        match u32::try_from(bytes / KIB) {
            Ok(kib) if bytes.is_multiple_of(KIB) => Ok(kib),
            _ => Err(Fault::new(format!(
                "`{}` is not a whole number of KiB",
                text.as_str()
            ))),
        }
    };
    Hashing {
        memory_kib: take(
            password.memory.as_ref(),
            default.memory_kib,
            memory,
            findings,
        ),
        iterations: take(
            password.iterations.as_ref(),
            default.iterations,
            |number| whole(*number, 1..=100),
            findings,
        ),
        lanes,
        concurrency: take(
            password.concurrency.as_ref(),
            default.concurrency,
            |number| match whole(*number, 0..=256)? {
                0 => Ok(default.concurrency),
                threads => Ok(threads),
            },
            findings,
        ),
    }
}
