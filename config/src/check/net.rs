//! Addresses, networks and origins as they are written.

use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net};
use url::{Host, Url};

use crate::problem::Fault;

/// `ADDRESS:PORT`.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        let fault = Fault::new(format!("`{text}` is not an address with a port"));
        let meant = if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            SocketAddr::new(address, 8080).to_string()
        } else if let Some(port) = text.strip_prefix(':') {
            format!("[::]:{port}")
        } else if let Some(port) = text.strip_prefix("localhost:") {
            format!("127.0.0.1:{port}")
        } else if text.parse::<u16>().is_ok() {
            format!("[::]:{text}")
        } else {
            return fault.help("as in \"127.0.0.1:8080\" or \"[::]:8080\"");
        };
        if meant.parse::<SocketAddr>().is_ok() {
            fault.help(format!("did you mean \"{meant}\"?"))
        } else {
            fault.help("as in \"127.0.0.1:8080\" or \"[::]:8080\"")
        }
    })
}

/// `10.0.0.0/8`, or one address. An IPv4 network in IPv6 clothes becomes IPv4
/// again, because that is how clients' addresses are compared.
pub(crate) fn network(text: &str) -> Result<IpNet, Fault> {
    let fault = || {
        Fault::new(format!("`{text}` is not a network"))
            .help("an address and how many bits count, as in \"10.0.0.0/8\" or \"fd00::/8\"")
    };
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().map_err(|_| fault())?),
    };
    let network = match network {
        IpNet::V6(six) => match six.addr().to_ipv4_mapped() {
            Some(four) => {
                let bits = six.prefix_len().checked_sub(96).ok_or_else(fault)?;
                IpNet::V4(Ipv4Net::new(four, bits).map_err(|_| fault())?)
            }
            None => network,
        },
        IpNet::V4(_) => network,
    };
    Ok(network.trunc())
}

/// `https://auth.example.com`: scheme, host and port, and nothing else.
pub(super) fn origin(text: &str) -> Result<Url, Fault> {
    let fault = || {
        Fault::new(format!("`{text}` is not an origin"))
            .help("scheme, host and maybe a port, as in \"https://auth.example.com\"")
    };
    let url = Url::parse(text).map_err(|_| fault())?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.port() != Some(0);
    let named = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    if !bare || !named {
        return Err(fault());
    }
    Ok(url)
}

/// A host without port, as requests name it: lower case, IDNA, IPv6 in brackets.
pub(super) fn host(text: &str) -> Result<String, Fault> {
    let fault = || {
        let fault = Fault::new(format!("`{text}` is not a host"));
        let name = text.split_once("://").map_or(text, |(_, rest)| rest);
        let name = name.split(['/', ':']).next().unwrap_or_default();
        if name != text && Host::parse(name).is_ok() {
            fault.help(format!(
                "only the name, without scheme, port and path: \"{name}\""
            ))
        } else {
            fault.help("a name as in \"app.example.com\", \"*.example.com\", or \"*\" for any")
        }
    };
    if text.ends_with('.') || text.contains('*') {
        return Err(fault());
    }
    Host::parse(text)
        .map(|host| host.to_string())
        .map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use super::{host, network, origin, socket};

    #[test]
    fn sockets_and_what_was_meant() {
        assert_eq!(socket("127.0.0.1:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(socket("[::]:0").unwrap().to_string(), "[::]:0");
        for (text, meant) in [
            (":8080", "\"[::]:8080\""),
            ("8080", "\"[::]:8080\""),
            ("localhost:80", "\"127.0.0.1:80\""),
            ("::1", "\"[::1]:8080\""),
            ("somewhere", "\"127.0.0.1:8080\""),
        ] {
            let help = socket(text).unwrap_err().help.unwrap();
            assert!(help.contains(meant), "{text}: {help}");
        }
    }

    #[test]
    fn networks_are_shortened_and_v4_stays_v4() {
        for (text, network_is) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), network_is, "{text}");
        }
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "example.com",
            "::ffff:10.0.0.0/64",
        ] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_bare() {
        for text in ["https://auth.example.com", "http://localhost:8080/"] {
            assert!(origin(text).is_ok(), "{text}");
        }
        for text in [
            "auth.example.com",
            "https://auth.example.com/path",
            "https://u:p@auth.example.com",
            "https://auth.example.com?x",
            "https://auth.example.com#x",
            "ftp://auth.example.com",
            "https://",
            "https://a:0",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_spelled_one_way() {
        for (text, spelled) in [
            ("App.Example.com", "app.example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("[::1]", "[::1]"),
            ("127.0.0.1", "127.0.0.1"),
            ("my_app.local", "my_app.local"),
        ] {
            assert_eq!(host(text).unwrap(), spelled);
        }
        for text in ["", "a b", "app.*", "app.example.com.", "::1"] {
            assert!(host(text).is_err(), "{text}");
        }
        let help = host("http://app.example.com:80/")
            .unwrap_err()
            .help
            .unwrap();
        assert!(help.contains("\"app.example.com\""), "{help}");
    }
}
