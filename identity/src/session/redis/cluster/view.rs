//! What a node of Redis Cluster says about the whole: which masters there are, and which slots are theirs.

use crate::session::redis::dial::Address;

/// Every key belongs to one of so many slots.
const SLOTS: u16 = 16384;

/// A cluster as one node sees it.
#[derive(Clone, Debug)]
pub(in crate::session::redis) struct View {
    masters: Vec<Master>,
    epoch: u64,
}

#[derive(Clone, Debug)]
struct Master {
    id: String,
    address: Address,
    slots: Vec<(u16, u16)>,
}

impl View {
    /// Reads the answer to `CLUSTER NODES` of the node at `asked`.
    pub(super) fn parse(text: &str, asked: &Address) -> Option<Self> {
        let mut view = Self {
            masters: Vec::new(),
            epoch: 0,
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            view.add(line, asked)?;
        }
        view.masters.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        (!view.masters.is_empty()).then_some(view)
    }

    /// `ID IP:PORT@BUS[,HOST] FLAGS MASTER PING PONG EPOCH LINK SLOT…`
    fn add(&mut self, line: &str, asked: &Address) -> Option<()> {
        let mut fields = line.split(' ');
        let (id, place, flags) = (fields.next()?, fields.next()?, fields.next()?);
        let epoch: u64 = fields.nth(3)?.parse().ok()?;
        let slots = fields.skip(1).filter(|slot| !slot.starts_with('['));
        let slots = slots.map(range).collect::<Option<Vec<_>>>()?;
        let has = |flag| flags.split(',').any(|other| other == flag);
        if !has("master") {
            return Some(());
        }
        self.epoch = self.epoch.max(epoch);
        // One that owns nothing may be about to: keys can move to it already. One that is gone cannot.
        let gone = has("fail") || has("noaddr") || has("handshake");
        if slots.is_empty() && gone {
            return Some(());
        }
        self.masters.push(Master {
            id: id.to_owned(),
            address: address(place, asked)?,
            slots,
        });
        Some(())
    }

    /// Where the master of a slot is.
    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let owns = |master: &&Master| {
            let mut ranges = master.slots.iter();
            ranges.any(|(first, last)| (*first..=*last).contains(&slot))
        };
        self.masters.iter().find(owns).map(|master| &master.address)
    }

    /// Where all masters are.
    pub(in crate::session::redis) fn masters(&self) -> impl Iterator<Item = &Address> {
        self.masters.iter().map(|master| &master.address)
    }

    /// Grows with every change that the cluster agreed on.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the same masters own the same slots. How they are spelt may differ from node to node.
    pub(in crate::session::redis) fn agrees_with(&self, other: &Self) -> bool {
        self.masters.len() == other.masters.len()
            && self
                .masters
                .iter()
                .zip(&other.masters)
                .all(|(one, two)| one.id == two.id && one.slots == two.slots)
    }
}

/// `7` or `0-5460`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last < SLOTS).then_some((first, last))
}

/// `IP:PORT@BUS[,HOST[,…]]`; the name where there is one, the way it was asked where there is neither.
fn address(place: &str, asked: &Address) -> Option<Address> {
    let (front, behind) = place.split_once('@').unwrap_or((place, ""));
    let (ip, port) = front.rsplit_once(':')?;
    let named = behind.split(',').nth(1).filter(|name| !name.is_empty());
    let host = named.unwrap_or(ip);
    Some(Address {
        host: if host.is_empty() { &asked.host } else { host }.to_owned(),
        port: port.parse().ok()?,
    })
}

/// The slot of a key: CRC-16/XMODEM of what is in its braces, or of all of it (Redis Cluster specification).
pub(super) fn slot(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let tag = tag.map(|(tag, _)| tag).filter(|tag| !tag.is_empty());
    let crc = tag.unwrap_or(key).bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redis::cluster_routing::Slot;

    use super::*;

    const NODES: &str = "\
07c37 127.0.0.1:30004@31004,hostname4 slave e7d1e 0 1426238317239 4 connected
67ed2 127.0.0.1:30002@31002,b.example,shard-id=1 master - 0 1426238316232 2 connected 5461-10922
292f8 :30003@31003 myself,master - 0 0 3 connected 10923-16382 16383 [93-<-292f8]
6ec23 127.0.0.1:30005@31005 master,fail - 1426238317741 0 5 disconnected
9f2aa 127.0.0.1:30007@31007 master - 0 0 0 connected
824fe 127.0.0.1:30006@31006 master,noaddr - 0 0 9 connected 0-5460
";

    fn asked() -> Address {
        Address {
            host: "10.0.0.3".into(),
            port: 30003,
        }
    }

    #[test]
    fn a_view_knows_whose_slots_are_whose() {
        let view = View::parse(NODES, &asked()).unwrap();
        let owner = |slot| view.owner(slot).unwrap().to_string();
        assert_eq!(owner(0), "127.0.0.1:30006");
        assert_eq!(owner(10_922), "b.example:30002");
        assert_eq!(owner(10_923), "10.0.0.3:30003");
        assert_eq!(owner(16_383), "10.0.0.3:30003");
        assert_eq!(view.epoch(), 9);
        let masters: Vec<_> = view.masters().map(|master| master.port).collect();
        assert_eq!(
            masters,
            [30003, 30002, 30006, 30007],
            "one without slots too, the dead one not"
        );
    }

    #[test]
    fn views_agree_on_owners_and_not_on_spelling() {
        let view = View::parse(NODES, &asked()).unwrap();
        let other = NODES.replace(":30003@31003 myself,master", "10.1.1.1:30003@31003 master");
        assert!(view.agrees_with(&View::parse(&other, &asked()).unwrap()));
        let moved = NODES.replace("5461-10922", "5462-10922");
        assert!(!view.agrees_with(&View::parse(&moved, &asked()).unwrap()));
        let promoted = NODES.replace("slave e7d1e", "master -");
        assert!(!view.agrees_with(&View::parse(&promoted, &asked()).unwrap()));
    }

    proptest! {
        #[test]
        fn a_slot_is_what_the_library_says(key in "[a-z:{}]{0,20}") {
            prop_assert_eq!(Slot::new(slot(&key)), Some(Slot::for_key(&key)));
        }

        #[test]
        fn garbage_never_panics(text in "(.{0,30}\\PC{0,30}\n){0,3}") {
            let _ = View::parse(&text, &asked());
        }
    }
}
