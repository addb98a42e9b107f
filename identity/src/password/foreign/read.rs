//! Telling the spellings of other programs' hashes apart, and refusing what costs too much or proves too little.

use bcrypt::HashParts;

use super::field::{base64, hex, number, parts};
use super::{Derived, Digest, Foreign, LONGEST};
use crate::password::stored::Unusable;

/// bcrypt: 2^14 rounds take about a second.
const BCRYPT_COST: u32 = 14;
/// PBKDF2: the least is what its library computes, the most takes about a second. Werkzeug's own is a million.
const PBKDF2_ROUNDS: std::ops::RangeInclusive<u32> = 1000..=2_000_000;
/// scrypt: N times r, which is memory in units of 128 bytes, and times p, which is work. OWASP's strongest are equal.
const SCRYPT_WORK: u64 = 1 << 20;
/// SHA-crypt: passlib's own is 656,000; below 1000 there is none.
const SHA_CRYPT_ROUNDS: std::ops::RangeInclusive<u32> = 1000..=700_000;
/// What SHA-crypt computes where its text names no rounds.
const SHA_CRYPT_DEFAULT: u32 = 5000;
/// Fewest bytes of a hash that is believed.
const LEAST_KEY: usize = 16;

const BCRYPT: &str = "bcrypt";
const PBKDF2: &str = "PBKDF2";
const SCRYPT: &str = "scrypt";
const SHA_CRYPT: &str = "SHA-crypt";

impl Foreign {
    /// Reads the text of a hash.
    ///
    /// # Errors
    /// [`Unusable`], which says why nothing can be compared with it.
    pub(in crate::password) fn read(text: &str) -> Result<Self, Unusable> {
        if let Some(werkzeug) = text.strip_prefix("pbkdf2:") {
            return werkzeug_pbkdf2(werkzeug);
        }
        if let Some(werkzeug) = text.strip_prefix("scrypt:") {
            return werkzeug_scrypt(werkzeug);
        }
        let Some((kind, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$'))
        else {
            return Err(without_a_kind(text));
        };
        match kind {
            "2a" | "2b" | "2y" => bcrypt(text),
            "2" | "2x" => Err(Unusable::Weak("bcrypt of a faulty kind")),
            "pbkdf2" | "pbkdf2-sha1" => passlib_pbkdf2(Digest::Sha1, rest),
            "pbkdf2-sha256" => passlib_pbkdf2(Digest::Sha256, rest),
            "pbkdf2-sha512" => passlib_pbkdf2(Digest::Sha512, rest),
            "scrypt" => phc_scrypt(rest),
            "5" => sha_crypt(text, rest, 43),
            "6" => sha_crypt(text, rest, 86),
            "1" | "apr1" => Err(Unusable::Weak("MD5")),
            _ => Err(Unusable::Unknown),
        }
    }
}

/// Old formats that are better named than called unknown.
fn without_a_kind(text: &str) -> Unusable {
    let is_werkzeugs = |digest: &str| {
        text.strip_prefix(digest)
            .is_some_and(|rest| rest.starts_with('$'))
    };
    if text.starts_with("{SHA}") || text.starts_with("{SSHA}") || is_werkzeugs("sha1") {
        Unusable::Weak("one round of SHA-1")
    } else if is_werkzeugs("sha256") || is_werkzeugs("sha512") {
        Unusable::Weak("one round of SHA-2")
    } else if is_werkzeugs("md5") {
        Unusable::Weak("MD5")
    } else {
        Unusable::Unknown
    }
}

fn bcrypt(text: &str) -> Result<Foreign, Unusable> {
    let hash: HashParts = text.parse().map_err(|_| Unusable::Damaged(BCRYPT))?;
    match hash.get_cost() {
        ..4 | 32.. => Err(Unusable::Damaged(BCRYPT)),
        4..=BCRYPT_COST => Ok(Foreign::Bcrypt(text.to_owned())),
        _ => Err(Unusable::Costly("bcrypt with cost 14")),
    }
}

/// `sha256:ROUNDS$salt$hex`, the salt as it stands.
fn werkzeug_pbkdf2(text: &str) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(PBKDF2);
    let [method, salt, key] = parts(text, '$').ok_or(damaged)?;
    let [digest, rounds] = parts(method, ':').ok_or(damaged)?;
    let digest = match digest {
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha512" => Digest::Sha512,
        _ => return Err(damaged),
    };
    pbkdf2(
        digest,
        rounds,
        salt.as_bytes().to_vec(),
        hex(key).ok_or(damaged)?,
    )
}

/// `ROUNDS$salt$key`, both in base64.
fn passlib_pbkdf2(digest: Digest, text: &str) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(PBKDF2);
    let [rounds, salt, key] = parts(text, '$').ok_or(damaged)?;
    let salt = base64(salt).ok_or(damaged)?;
    pbkdf2(digest, rounds, salt, base64(key).ok_or(damaged)?)
}

fn pbkdf2(digest: Digest, rounds: &str, salt: Vec<u8>, key: Vec<u8>) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(PBKDF2);
    // A longer key than the digest would be computed in several goes, for nothing.
    let longest = match digest {
        Digest::Sha1 => 20,
        Digest::Sha256 => 32,
        Digest::Sha512 => 64,
    };
    let rounds = number(rounds).ok_or(damaged)?;
    if rounds > *PBKDF2_ROUNDS.end() {
        return Err(Unusable::Costly("PBKDF2 with 2,000,000 rounds"));
    }
    if rounds < *PBKDF2_ROUNDS.start() {
        return Err(Unusable::Weak("PBKDF2 with less than 1000 rounds"));
    }
    Ok(Foreign::Pbkdf2(
        digest,
        rounds,
        derived(salt, key, longest).ok_or(damaged)?,
    ))
}

/// `N:r:p$salt$hex`, the salt as it stands.
fn werkzeug_scrypt(text: &str) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(SCRYPT);
    let [costs, salt, key] = parts(text, '$').ok_or(damaged)?;
    let [n, r, p] = parts(costs, ':').ok_or(damaged)?;
    let n = number(n).filter(|n| n.is_power_of_two() && *n > 1);
    let log_n = n.ok_or(damaged)?.trailing_zeros();
    let derived = derived(salt.as_bytes().to_vec(), hex(key).ok_or(damaged)?, LONGEST);
    scrypt(log_n, (r, p), derived)
}

/// `ln=LOG,r=R,p=P$salt$key`, both in base64.
fn phc_scrypt(text: &str) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(SCRYPT);
    let [costs, salt, key] = parts(text, '$').ok_or(damaged)?;
    let [log_n, r, p] = parts(costs, ',').ok_or(damaged)?;
    let log_n = log_n.strip_prefix("ln=").and_then(number).ok_or(damaged)?;
    let r = r.strip_prefix("r=").ok_or(damaged)?;
    let p = p.strip_prefix("p=").ok_or(damaged)?;
    let salt = base64(salt).ok_or(damaged)?;
    let derived = derived(salt, base64(key).ok_or(damaged)?, LONGEST);
    scrypt(log_n, (r, p), derived)
}

fn scrypt(log_n: u32, (r, p): (&str, &str), derived: Option<Derived>) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(SCRYPT);
    let r = number(r).ok_or(damaged)?;
    let p = number(p).ok_or(damaged)?;
    let work = 1_u64
        .checked_shl(log_n)
        .and_then(|n| n.checked_mul(u64::from(r)))
        .and_then(|nr| nr.checked_mul(u64::from(p)));
    if work.is_none_or(|work| work > SCRYPT_WORK) {
        return Err(Unusable::Costly(
            "scrypt with N times r times p of 1,048,576",
        ));
    }
    let log_n = u8::try_from(log_n).map_err(|_| damaged)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| damaged)?;
    Ok(Foreign::Scrypt(params, derived.ok_or(damaged)?))
}

fn derived(salt: Vec<u8>, key: Vec<u8>, longest: usize) -> Option<Derived> {
    let fits = !salt.is_empty() && (LEAST_KEY..=longest).contains(&key.len());
    fits.then_some(Derived { salt, key })
}

/// `[rounds=ROUNDS$]salt$hash`, of which the hash has that many characters.
fn sha_crypt(text: &str, rest: &str, characters: usize) -> Result<Foreign, Unusable> {
    let damaged = Unusable::Damaged(SHA_CRYPT);
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(named) => {
            let (rounds, rest) = named.split_once('$').ok_or(damaged)?;
            (number(rounds).ok_or(damaged)?, rest)
        }
        None => (SHA_CRYPT_DEFAULT, rest),
    };
    if rounds > *SHA_CRYPT_ROUNDS.end() {
        return Err(Unusable::Costly("SHA-crypt with 700,000 rounds"));
    }
    let [salt, hash] = parts(rest, '$').ok_or(damaged)?;
    let is_whole = SHA_CRYPT_ROUNDS.contains(&rounds)
        && (1..=16).contains(&salt.len())
        && hash.len() == characters
        && [salt, hash].iter().all(|part| part.bytes().all(is_crypt64));
    if is_whole {
        Ok(Foreign::ShaCrypt(text.to_owned()))
    } else {
        Err(damaged)
    }
}

fn is_crypt64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}
