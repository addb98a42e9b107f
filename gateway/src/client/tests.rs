use proptest::prelude::*;

use super::*;

fn proxies() -> TrustedProxies {
    TrustedProxies::new(
        ["10.0.0.0/8", "fd00::/8", "127.0.0.1/32"]
            .iter()
            .map(|network| network.parse().unwrap())
            .collect(),
    )
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn asked<'a>(peer: &str, headers: &'a HeaderMap) -> Client<'a> {
    identify(peer.parse().unwrap(), Scheme::Http, headers, &proxies()).unwrap()
}

/// What `X-Forwarded-For` says.
fn told(client: &Client<'_>) -> String {
    let hops = client.forwarded_for();
    hops.unwrap_or_else(|| client.address.to_string())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_address_through_trusted_hops() {
    for (peer, chain, address, sent) in [
        // Nobody is believed by default: the peer is the client.
        ("192.0.2.1", &["10.0.0.1"][..], "192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", &[], "192.0.2.1", "192.0.2.1"),
        ("10.0.0.9", &[], "10.0.0.9", "10.0.0.9"),
        (
            "10.0.0.9",
            &["192.0.2.1"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.9",
        ),
        // The client's own entries, left of the first that nobody vouches for, are dropped.
        (
            "10.0.0.9",
            &["10.1.1.1, 192.0.2.1"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.9",
        ),
        (
            "10.0.0.9",
            &["192.0.2.1, 10.0.0.8"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.8, 10.0.0.9",
        ),
        // Several headers are one list.
        (
            "10.0.0.9",
            &["6.6.6.6", "192.0.2.1", "10.0.0.8"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.8, 10.0.0.9",
        ),
        // All trusted: the left-most.
        (
            "10.0.0.9",
            &["10.0.0.7, 10.0.0.8"],
            "10.0.0.7",
            "10.0.0.7, 10.0.0.8, 10.0.0.9",
        ),
        // What cannot be read ends the walk at the last hop that was vouched for.
        ("10.0.0.9", &["192.0.2.1, unknown"], "10.0.0.9", "10.0.0.9"),
        (
            "10.0.0.9",
            &["10.0.0.1, x, 10.0.0.8"],
            "10.0.0.8",
            "10.0.0.8, 10.0.0.9",
        ),
        ("10.0.0.9", &["10.0.0.1 192.0.2.1"], "10.0.0.9", "10.0.0.9"),
        ("10.0.0.9", &["[192.0.2.1]"], "10.0.0.9", "10.0.0.9"),
        ("10.0.0.9", &["192.0.2.1:x"], "10.0.0.9", "10.0.0.9"),
        (
            "10.0.0.9",
            &["192.0.2.1,, ,"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.9",
        ),
        // Spellings.
        (
            "::ffff:10.0.0.9",
            &["192.0.2.1"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.9",
        ),
        (
            "10.0.0.9",
            &["::ffff:10.0.0.8"],
            "10.0.0.8",
            "10.0.0.8, 10.0.0.9",
        ),
        (
            "10.0.0.9",
            &["192.0.2.1:4711"],
            "192.0.2.1",
            "192.0.2.1, 10.0.0.9",
        ),
        (
            "10.0.0.9",
            &["[2001:db8::1]:4711"],
            "2001:db8::1",
            "2001:db8::1, 10.0.0.9",
        ),
        (
            "10.0.0.9",
            &["[2001:db8::1]"],
            "2001:db8::1",
            "2001:db8::1, 10.0.0.9",
        ),
        (
            "fd00::1",
            &["2001:DB8::1"],
            "2001:db8::1",
            "2001:db8::1, fd00::1",
        ),
    ] {
        let list: Vec<_> = chain
            .iter()
            .map(|value| ("x-forwarded-for", *value))
            .collect();
        let headers = headers(&list);
        let client = asked(peer, &headers);
        assert_eq!(client.address.to_string(), address, "{peer} {chain:?}");
        assert_eq!(told(&client), sent, "{peer} {chain:?}");
    }
}

#[test]
fn the_scheme_is_what_the_nearest_proxy_says() {
    for (values, scheme) in [
        (&[][..], Scheme::Http),
        (&["https"], Scheme::Https),
        (&["HTTPS"], Scheme::Https),
        (&["wss"], Scheme::Https),
        (&["ws"], Scheme::Http),
        (&["https, http"], Scheme::Http),
        (&["http", "https"], Scheme::Https),
        (&["gopher"], Scheme::Http),
        (&[""], Scheme::Http),
    ] {
        let list: Vec<_> = values
            .iter()
            .map(|value| ("x-forwarded-proto", *value))
            .collect();
        let headers = headers(&list);
        assert_eq!(asked("10.0.0.9", &headers).scheme, scheme, "{values:?}");
        assert_eq!(
            asked("192.0.2.1", &headers).scheme,
            Scheme::Http,
            "{values:?}"
        );
    }
}

#[test]
fn the_listener_decides_where_nobody_is_believed() {
    let headers = headers(&[("x-forwarded-proto", "http")]);
    let peer = "192.0.2.1".parse().unwrap();
    let client = identify(peer, Scheme::Https, &headers, &proxies()).unwrap();
    assert_eq!(client.scheme, Scheme::Https);
    assert_eq!(client.peer, Peer::Untrusted);
}

#[test]
fn the_forwarded_host_counts_from_a_trusted_peer_only() {
    let named = headers(&[("x-forwarded-host", "evil.test, App.Test:8443")]);
    let host = asked("127.0.0.1", &named).forwarded_host.unwrap();
    assert_eq!(host.to_string(), "app.test:8443");
    assert_eq!(asked("192.0.2.1", &named).forwarded_host, None);
    assert_eq!(asked("127.0.0.1", &headers(&[])).forwarded_host, None);

    let broken = headers(&[("x-forwarded-host", "user@app.test")]);
    let peer = "127.0.0.1".parse().unwrap();
    let refused = identify(peer, Scheme::Http, &broken, &proxies());
    assert_eq!(refused, Err(host::Fault::NoName));
}

proptest! {
    #[test]
    fn whatever_is_forwarded_never_panics_and_ends_at_the_peer(value in "[0-9a-f.:,\\[\\] x]{0,60}") {
        let headers = headers(&[("x-forwarded-for", &value)]);
        let client = asked("10.0.0.9", &headers);
        prop_assert!(told(&client).ends_with("10.0.0.9"));
        prop_assert_eq!(client.address, client.address.to_canonical());
    }

    #[test]
    fn nobody_can_write_an_address_left_of_an_untrusted_one(forged in "[0-9.:, a-f]{0,40}") {
        let value = format!("{forged}, 192.0.2.1");
        let headers = headers(&[("x-forwarded-for", &value)]);
        let client = asked("10.0.0.9", &headers);
        prop_assert_eq!(told(&client), "192.0.2.1, 10.0.0.9");
    }
}

proptest! {
    #[test]
    fn addresses_are_written_as_the_standard_library_writes_them(address: IpAddr) {
        prop_assert_eq!(&*written(address), &*address.to_string());
    }
}
