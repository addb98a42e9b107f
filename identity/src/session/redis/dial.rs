//! From addresses in the configuration to clients: who is asked, how one signs in, whose certificates count.

use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError,
    TlsCertificates,
};

use crate::Fault;

/// Sentinel's own port, where an address names none.
const SENTINEL_PORT: u16 = 26379;

/// A server's host and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// How a server is connected to: the transport, the login, the database.
#[derive(Clone)]
pub(super) struct Dial {
    info: ConnectionInfo,
    authorities: Option<String>,
}

impl Dial {
    /// As the address says. A certificate is checked against `authorities` (PEM), or the system's.
    pub(super) fn new(address: &str, authorities: Option<&str>) -> Result<Self, Fault> {
        let info = address.into_connection_info().map_err(no_address)?;
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(Fault::broken("certificates are always checked"));
        }
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            use_ring();
        }
        Ok(Self {
            info: info.set_redis_settings(settings),
            authorities: authorities.map(str::to_owned),
        })
    }

    /// As the address of a sentinel says.
    pub(super) fn sentinel(address: &str, authorities: Option<&str>) -> Result<Self, Fault> {
        let dial = Self::new(address, authorities)?;
        let written = url_port(address);
        let settings = dial.info.redis_settings().clone().set_db(0);
        // What pushes needs is newer than what some sentinels speak.
        let settings = settings.set_protocol(ProtocolVersion::RESP2);
        let dial = Self {
            info: dial.info.set_redis_settings(settings),
            ..dial
        };
        Ok(match (dial.address(), written) {
            (Some(Address { host, .. }), None) => dial.to(&Address {
                host,
                port: SENTINEL_PORT,
            }),
            _ => dial,
        })
    }

    /// The same with another user and password.
    pub(super) fn login(self, username: Option<&str>, password: Option<&str>) -> Self {
        let was = self.info.redis_settings();
        let mut settings = redis::RedisConnectionInfo::default()
            .set_db(was.db())
            .set_protocol(was.protocol());
        if let Some(username) = username {
            settings = settings.set_username(username);
        }
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        Self {
            info: self.info.set_redis_settings(settings),
            ..self
        }
    }

    /// The same way to another server.
    pub(super) fn to(&self, address: &Address) -> Self {
        let Address { host, port } = address.clone();
        let there = match self.info.addr() {
            ConnectionAddr::TcpTls { .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self {
            info: self.info.clone().set_addr(there),
            authorities: self.authorities.clone(),
        }
    }

    /// Where this goes; `None` for a socket in the file system.
    pub(super) fn address(&self) -> Option<Address> {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(Address {
                    host: host.clone(),
                    port: *port,
                })
            }
            _ => None,
        }
    }

    pub(super) fn client(&self) -> Result<Client, Fault> {
        let info = self.info.clone();
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            let certificates = TlsCertificates {
                client_tls: None,
                root_cert: self.authorities.clone().map(String::into_bytes),
            };
            return Client::build_with_tls(info, certificates).map_err(|source| {
                Fault::broken_by("the certificates of redis.ca_file cannot be used", source)
            });
        }
        Client::open(info).map_err(no_address)
    }
}

fn no_address(source: RedisError) -> Fault {
    Fault::broken_by("[redis] names what is no address of a Redis", source)
}

/// The port, if the address names one: behind the host, which may have colons itself but then ends in `]`.
fn url_port(address: &str) -> Option<u16> {
    let (_, place) = address.split_once("://")?;
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let host = place.split('/').next()?;
    host.rsplit_once(':')?.1.parse().ok()
}

/// One cryptography for the whole process, whoever is the first to need it.
fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been first in this moment; theirs is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinel(address: &str) -> String {
        let dial = Dial::sentinel(address, None).unwrap();
        dial.address().unwrap().to_string()
    }

    #[test]
    fn a_sentinel_has_a_port_of_its_own() {
        assert_eq!(sentinel("redis://a"), "a:26379");
        assert_eq!(sentinel("redis://a/2"), "a:26379");
        assert_eq!(sentinel("redis://a:6379"), "a:6379");
        assert_eq!(sentinel("redis://:p@a:1/2"), "a:1");
        assert_eq!(sentinel("redis://u:p@[2001:db8::1]"), "2001:db8::1:26379");
        assert_eq!(sentinel("rediss://[2001:db8::1]:7"), "2001:db8::1:7");
    }

    #[test]
    fn there_is_no_way_around_certificates() {
        assert!(Dial::new("rediss://a/#insecure", None).is_err());
        assert!(Dial::new("rediss://a", None).is_ok());
    }

    #[test]
    fn the_way_stays_the_same_to_another_server() {
        let there = Address {
            host: "b".into(),
            port: 9,
        };
        let dial = Dial::new("rediss://u:p@a:1/3", None).unwrap().to(&there);
        assert_eq!(dial.address(), Some(there));
        assert!(matches!(
            dial.info.addr(),
            ConnectionAddr::TcpTls {
                insecure: false,
                ..
            }
        ));
        let settings = dial.info.redis_settings();
        assert_eq!(
            (settings.username(), settings.password(), settings.db()),
            (Some("u"), Some("p"), 3)
        );
    }
}
