//! Percent-encoding in paths: what is decoded, and what may not be hidden in it.
//!
//! Owns the meaning of `%`. Must not know queries.

use std::borrow::Cow;

use doorward_config::PathStyle;

use super::Fault;

/// Decodes encoded unreserved characters (RFC 3986, section 2.3) and upper-cases the hex
/// digits of the rest.
pub(super) fn decode_unreserved(path: &str) -> Result<Cow<'_, str>, Fault> {
    let mut out = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(at) = path.get(from..).and_then(|rest| rest.find('%')) {
        let at = from + at;
        let digits = path.as_bytes().get(at + 1..at + 3).ok_or(Fault::Escape)?;
        let byte = hex_pair(digits).ok_or(Fault::Escape)?;
        from = at + 3;
        if is_unreserved(byte) {
            out.push_str(path.get(copied..at).ok_or(Fault::Escape)?);
            out.push(char::from(byte));
            copied = from;
        } else if digits.iter().any(u8::is_ascii_lowercase) {
            out.push_str(path.get(copied..at).ok_or(Fault::Escape)?);
            out.push('%');
            out.extend(digits.iter().map(|d| char::from(d.to_ascii_uppercase())));
            copied = from;
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(path));
    }
    out.push_str(path.get(copied..).ok_or(Fault::Escape)?);
    Ok(Cow::Owned(out))
}

/// Judges the escapes of a path that went through [`decode_unreserved`].
pub(super) fn accept(path: &str, style: PathStyle) -> Result<(), Fault> {
    let mut rest = path;
    let mut before = 0;
    while let Some((_, tail)) = rest.split_once('%') {
        // `gap` is how much plain text stands between the last escape and this one.
        let gap = rest.len() - tail.len() - 1;
        let byte = tail
            .as_bytes()
            .get(..2)
            .and_then(hex_pair)
            .ok_or(Fault::Escape)?;
        rest = tail.get(2..).ok_or(Fault::Escape)?;
        match byte {
            0x00..=0x1F | 0x7F => return Err(Fault::Control),
            b'\\' => return Err(Fault::Backslash),
            b'/' if style == PathStyle::Strict => return Err(Fault::EncodedSlash),
            b'%' => refuse_second_layer(rest, style)?,
            // RFC 3629, section 3: these never begin, or never follow, in shortest form.
            0xC0 | 0xC1 => return Err(Fault::Overlong),
            0x80..=0x9F if before == 0xE0 && gap == 0 => return Err(Fault::Overlong),
            0x80..=0x8F if before == 0xF0 && gap == 0 => return Err(Fault::Overlong),
            _ => {}
        }
        before = byte;
    }
    Ok(())
}

/// `rest` follows a `%25`. Refuses what a second decoding would turn into something that the
/// first would have decoded or refused. `%252F` is a name in some programs: `Relaxed` keeps it.
fn refuse_second_layer(rest: &str, style: PathStyle) -> Result<(), Fault> {
    let mut rest = rest.as_bytes();
    let mut layers = 1;
    while let Some(deeper) = rest.strip_prefix(b"25") {
        rest = deeper;
        layers += 1;
    }
    let Some(byte) = rest.get(..2).and_then(hex_pair) else {
        return Ok(());
    };
    match byte {
        b'/' if style == PathStyle::Relaxed && layers == 1 => Ok(()),
        0x00..=0x1F | 0x7F | b'\\' | b'/' | b';' | b'?' | b'#' => Err(Fault::EncodedTwice),
        byte if is_unreserved(byte) => Err(Fault::EncodedTwice),
        _ => Ok(()),
    }
}

/// Whether a segment is `.` or `..` in any reading: with an encoded slash as a slash, without
/// path parameters, cut off at an encoded `?` or `#`, without blanks at its end.
pub(super) fn has_dot_segment(path: &str) -> bool {
    if !path.contains("/.") && !path.contains("F.") && !path.contains("f.") {
        return false;
    }
    path.split('/')
        .flat_map(|part| part.split("%2F"))
        // The second layer is a name, so its hex digits stay as they came.
        .flat_map(|part| part.split("%252F"))
        .flat_map(|part| part.split("%252f"))
        .any(|segment| {
            let ends = [";", "%3B", "%3F", "%23"];
            let mut name = ends.into_iter().fold(segment, |name, end| {
                name.split_once(end).map_or(name, |(name, _)| name)
            });
            while let Some(shorter) = name.strip_suffix("%20") {
                name = shorter;
            }
            matches!(name, "." | "..")
        })
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn hex_pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}
