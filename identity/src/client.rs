//! Who is at the other end of a request.
//!
//! Owns [`Client`]. Must not know how a peer's address is found out: it is told.

use std::net::IpAddr;

/// The longest device text that is kept, in characters.
const DEVICE_LENGTH: usize = 256;
/// The longest request id that is kept, in characters.
const REQUEST_ID_LENGTH: usize = 64;

/// The peer of one request, as the gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its address, `::ffff:a.b.c.d` already turned into `a.b.c.d`.
    pub address: IpAddr,
    /// Its `User-Agent`: at most 256 characters, none of them a control character; empty if it sent none.
    pub device: String,
    /// The id of this request, as it stands in the access log and on error pages.
    pub request_id: String,
}

impl Client {
    /// The client with its address made canonical and its texts cut to size.
    #[must_use]
    pub fn new(address: IpAddr, device: &str, request_id: &str) -> Self {
        Self {
            address: address.to_canonical(),
            device: printable(device, DEVICE_LENGTH),
            request_id: printable(request_id, REQUEST_ID_LENGTH),
        }
    }
}

fn printable(text: &str, length: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_the_address_is_canonical() {
        let client = Client::new(
            "::ffff:192.0.2.7".parse().unwrap(),
            &format!("Mozil\r\nla{}", "x".repeat(1000)),
            "r1",
        );
        assert_eq!(client.address.to_string(), "192.0.2.7");
        assert_eq!(client.device.chars().count(), 256);
        assert!(client.device.starts_with("Mozilla"));
        assert_eq!(client.request_id, "r1");
    }
}
