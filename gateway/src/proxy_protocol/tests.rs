use std::net::{SocketAddrV4, SocketAddrV6};

use proptest::prelude::*;

use super::*;

fn v1(source: SocketAddr) -> Vec<u8> {
    let (family, target) = match source {
        SocketAddr::V4(_) => ("TCP4", "192.0.2.9"),
        SocketAddr::V6(_) => ("TCP6", "2001:db8::9"),
    };
    let (address, port) = (source.ip(), source.port());
    format!("PROXY {family} {address} {target} {port} 443\r\n").into_bytes()
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, rest].concat()
}

fn v2_of(source: SocketAddr, more: &[u8]) -> Vec<u8> {
    let port = source.port().to_be_bytes();
    match source.ip() {
        IpAddr::V4(address) => {
            let rest = [
                &address.octets()[..],
                &[192, 0, 2, 9],
                &port,
                &[1, 187],
                more,
            ];
            v2(0x21, 0x11, &rest.concat())
        }
        IpAddr::V6(address) => {
            let rest = [&address.octets()[..], &[9; 16], &port, &[1, 187], more];
            v2(0x21, 0x21, &rest.concat())
        }
    }
}

#[test]
fn who_it_is() {
    let four: SocketAddr = "203.0.113.7:51111".parse().unwrap();
    let six: SocketAddr = "[2001:db8::7]:1".parse().unwrap();
    for (header, source) in [
        (v1(four), Source::Client(four)),
        (v1(six), Source::Client(six)),
        (b"PROXY UNKNOWN\r\n".to_vec(), Source::Peer),
        (
            b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(),
            Source::Peer,
        ),
        (v2_of(four, &[]), Source::Client(four)),
        (v2_of(six, &[3, 0, 1, 7]), Source::Client(six)),
        (v2(0x20, 0x00, &[]), Source::Peer),
        (v2(0x20, 0x11, &[1; 12]), Source::Peer),
        (v2(0x21, 0x00, &[1; 9]), Source::Peer),
        (v2(0x21, 0x31, &[b'/'; 216]), Source::Peer),
    ] {
        assert_eq!(parse(&header), Progress::Whole(source), "{header:?}");
    }
}

#[test]
fn what_is_no_header() {
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(V1_MOST));
    for header in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x16\x03\x01\x02\0",
        b"proxy TCP4 ",
        b"PROXY TCP4 203.0.113.7 192.0.2.9 1\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.9 1 2 3\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.9 65536 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.9 +1 2\r\n",
        b"PROXY TCP4 203.0.113.7  192.0.2.9 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::9 1 2\r\n",
        b"PROXY TCP6 203.0.113.7 192.0.2.9 1 2\r\n",
        b"PROXY UDP4 203.0.113.7 192.0.2.9 1 2\r\n",
        b"PROXY TCP4 somebody 192.0.2.9 1 2\r\n",
        b"PROXY \xff\xff\xff\xff\xff\xff\xff\r\n",
        &long.as_bytes()[..V1_MOST],
        &v2(0x11, 0x11, &[1; 12]),
        &v2(0x22, 0x11, &[1; 12]),
        &v2(0x21, 0x11, &[1; 11]),
        &v2(0x21, 0x21, &[1; 35]),
        &v2(0x21, 0x12, &[1; 12]),
        &v2(0x21, 0x41, &[1; 12]),
        &v2(0x20, 0x00, &[1; V2_MOST]),
    ] {
        assert_eq!(parse(header), Progress::Garbage, "{header:?}");
    }
}

/// A header in front of something else.
async fn taken(header: &[u8]) -> (Result<Source, Fault>, Vec<u8>) {
    let bytes = [header, b"rest"].concat();
    let mut reader = bytes.as_slice();
    let source = read(&mut reader).await;
    (source, reader.to_vec())
}

#[tokio::test]
async fn a_connection_that_ends_has_none() {
    let mut nothing: &[u8] = b"";
    assert!(matches!(read(&mut nothing).await, Err(Fault::Ended(_))));
    let mut half: &[u8] = b"PROXY TCP4 203.0.113.7";
    assert!(matches!(read(&mut half).await, Err(Fault::Ended(_))));
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<SocketAddrV4>().prop_map(SocketAddr::V4),
        any::<SocketAddrV6>().prop_map(|six| SocketAddr::new((*six.ip()).into(), six.port())),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes);
        let _ = parse(&[SIGNATURE, &bytes].concat());
        let _ = parse(&[WORD, &bytes].concat());
    }

    #[test]
    fn what_is_written_is_read_to_its_last_byte(
        address in addresses(),
        more in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for header in [v1(address), v2_of(address, &more)] {
            for have in 0..header.len() {
                let Progress::More(bytes) = parse(&header[..have]) else {
                    panic!("{have} of {header:?}");
                };
                prop_assert!(bytes > 0 && have + bytes <= header.len());
            }
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (source, rest) = runtime.block_on(taken(&header));
            prop_assert_eq!(source.unwrap(), Source::Client(address));
            prop_assert_eq!(rest, b"rest");
        }
    }
}
