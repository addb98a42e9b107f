//! `doorward healthcheck`: whether the gateway with this configuration wants requests, for containers that have no
//! other program to ask with.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::exit::Trouble;
use super::print::say;

/// How long the gateway may take.
const DEADLINE: Duration = Duration::from_secs(3);
/// The longest answer that is read, in bytes.
const LENGTH: u64 = 16 * 1024;

/// Asks `/readyz` on the admin listener at `admin`.
pub fn healthcheck(admin: SocketAddr) -> Result<(), Trouble> {
    let at = reachable(admin);
    let answer = ask(at).map_err(|error| {
        Trouble::refused(format!(
            "error: nothing answers on http://{at}: {error}\nhelp: is it running, and with this server.admin_listen?"
        ))
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split_ascii_whitespace().nth(1) {
        Some("200") => say("ok\n"),
        Some("503") if body.contains(" away\n") => Err(Trouble::away(body)),
        Some("503") => Err(Trouble::refused(body)),
        _ => Err(Trouble::refused(format!(
            "error: what answers on http://{at} is not doorward's admin listener\n\
             help: compare server.admin_listen with what is running"
        ))),
    }
}

fn ask(at: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&at, DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    write!(
        stream,
        "GET /readyz?verbose HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.take(LENGTH).read_to_string(&mut answer)?;
    Ok(answer)
}

/// What listens everywhere is asked on this machine.
fn reachable(admin: SocketAddr) -> SocketAddr {
    let ip = match admin.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, admin.port())
}
