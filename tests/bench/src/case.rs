//! What is asked for, and how: one case of the matrix.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How long an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
pub enum Size {
    #[value(name = "1k")]
    #[serde(rename = "1k")]
    K1,
    #[value(name = "64k")]
    #[serde(rename = "64k")]
    K64,
    #[value(name = "1m")]
    #[serde(rename = "1m")]
    M1,
    /// One download.
    #[value(name = "1g")]
    #[serde(rename = "1g")]
    G1,
}

impl Size {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::K1, Self::K64, Self::M1, Self::G1];

    /// In bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Self::K1 => 1 << 10,
            Self::K64 => 1 << 16,
            Self::M1 => 1 << 20,
            Self::G1 => 1 << 30,
        }
    }

    /// The file of this size.
    pub fn name(self) -> &'static str {
        match self {
            Self::K1 => "1k",
            Self::K64 => "64k",
            Self::M1 => "1m",
            Self::G1 => "1g",
        }
    }
}

/// What the load speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 in the clear.
    Http,
    /// HTTP/1.1 over TLS.
    Https,
    /// HTTP/2 over TLS.
    H2,
}

impl Protocol {
    /// Whether it is over TLS.
    pub fn is_secure(self) -> bool {
        self != Self::Http
    }
}

/// One case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    pub protocol: Protocol,
    pub size: Size,
    pub connections: u32,
}

impl Case {
    /// The one that the others are variations of.
    pub const BASE: Self = Self {
        protocol: Protocol::Http,
        size: Size::K1,
        connections: 64,
    };
    /// The one download.
    pub const DOWNLOAD: Self = Self {
        protocol: Protocol::Http,
        size: Size::G1,
        connections: 1,
    };

    /// The cases of a selection: the first of each list with every other value in turn, or everything with everything.
    pub fn all(
        protocols: &[Protocol],
        sizes: &[Size],
        connections: &[u32],
        full: bool,
    ) -> Vec<Self> {
        let mut cases = Vec::new();
        for (i, &protocol) in protocols.iter().enumerate() {
            for (j, &size) in sizes.iter().enumerate() {
                for (k, &connections) in connections.iter().enumerate() {
                    let varied = [i, j, k].iter().filter(|&&place| place > 0).count();
                    let case = Self {
                        protocol,
                        size,
                        connections,
                    };
                    if size != Size::G1 && (full || varied <= 1) {
                        cases.push(case);
                    }
                }
            }
        }
        if sizes.contains(&Size::G1) {
            cases.push(Self::DOWNLOAD);
        }
        cases
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Http => "HTTP/1.1",
            Protocol::Https => "HTTP/1.1 over TLS",
            Protocol::H2 => "HTTP/2 over TLS",
        };
        let size = match self.size {
            Size::K1 => "1 KiB",
            Size::K64 => "64 KiB",
            Size::M1 => "1 MiB",
            Size::G1 => "one download of 1 GiB",
        };
        let plural = if self.connections == 1 { "" } else { "s" };
        write!(
            f,
            "{size}, {protocol}, {} connection{plural}",
            self.connections
        )
    }
}
