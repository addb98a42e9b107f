use proptest::prelude::*;

use super::*;

const TOKEN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn headers(cookies: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        let cookie = cookie.replace("TOKEN", TOKEN);
        headers.append(COOKIE, cookie.parse().unwrap());
    }
    headers
}

fn found(cookies: &[&str], scheme: Scheme) -> Presented {
    find(&headers(cookies), scheme)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_cookie_of_the_requests_own_scheme() {
    let token = Presented::Token(Token::parse(TOKEN).unwrap());
    for (cookies, http, https) in [
        (&[][..], &Presented::None, &Presented::None),
        (&["a=b"], &Presented::None, &Presented::None),
        (&["doorward=TOKEN"], &token, &Presented::None),
        (&["a=b; doorward=TOKEN; c=d"], &token, &Presented::None),
        (&["a=b;doorward=TOKEN"], &token, &Presented::None),
        (&["a=b", "doorward=TOKEN"], &token, &Presented::None),
        (&["__Host-doorward=TOKEN"], &Presented::None, &token),
        // The other name neither counts nor disturbs.
        (
            &["doorward=x; __Host-doorward=TOKEN"],
            &Presented::Malformed,
            &token,
        ),
        (&["doorward=TOKEN; __Host-doorward=TOKEN"], &token, &token),
        // Two of one name, in one header or in two, the same or not.
        (
            &["doorward=TOKEN; doorward=TOKEN"],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=TOKEN", "doorward=x"],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=TOKEN; doorward"],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=TOKEN; doorward =x"],
            &Presented::Malformed,
            &Presented::None,
        ),
        // No gateway gave these out.
        (&["doorward="], &Presented::Malformed, &Presented::None),
        (&["doorward"], &Presented::Malformed, &Presented::None),
        (
            &["doorward=\"TOKEN\""],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=TOKENx"],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=TOKEN="],
            &Presented::Malformed,
            &Presented::None,
        ),
        (
            &["doorward=%41TOKEN"],
            &Presented::Malformed,
            &Presented::None,
        ),
        // Other names.
        (&["Doorward=TOKEN"], &Presented::None, &Presented::None),
        (&["doorward2=TOKEN"], &Presented::None, &Presented::None),
        (&["xdoorward=TOKEN"], &Presented::None, &Presented::None),
        (&["a=doorward=TOKEN"], &Presented::None, &Presented::None),
        (
            &["__host-doorward=TOKEN"],
            &Presented::None,
            &Presented::None,
        ),
    ] {
        assert_eq!(&found(cookies, Scheme::Http), http, "http {cookies:?}");
        assert_eq!(&found(cookies, Scheme::Https), https, "https {cookies:?}");
    }
    assert_eq!(
        found(&[&"a=b; ".repeat(1000)], Scheme::Http),
        Presented::None
    );
}

#[test]
fn only_ours_is_taken_out() {
    for (before, after) in [
        (&[][..], &[][..]),
        (&["a=b;  c=\"d\" ;e"], &["a=b;  c=\"d\" ;e"]),
        (&["doorward=TOKEN"], &[]),
        (&["__Host-doorward=TOKEN"], &[]),
        (&["doorward=TOKEN; a=b"], &["a=b"]),
        (&["a=b; doorward=TOKEN"], &["a=b"]),
        (&["a=b; doorward=TOKEN; c=d"], &["a=b; c=d"]),
        (&["a=b;doorward=TOKEN;c=d"], &["a=b;c=d"]),
        (&["a=b; doorward=TOKEN; __Host-doorward=TOKEN"], &["a=b"]),
        (&["doorward=1; doorward=2; k=v; doorward = 3"], &["k=v"]),
        (
            &["a=1", "doorward=TOKEN", "b=2; doorward=x"],
            &["a=1", "b=2"],
        ),
        (
            &["mydoorward=1; doorward-x=2"],
            &["mydoorward=1; doorward-x=2"],
        ),
        (&["k=é; doorward=TOKEN"], &["k=é"]),
        (&["doorward-flow=TOKEN; a=b"], &["a=b"]),
        (&["a=b; __Host-doorward-flow=x; doorward=TOKEN"], &["a=b"]),
        (&["doorward-flow=1; doorward-flow=2; doorward-flow"], &[]),
        (
            &["doorward-flow2=1; xdoorward-flow=2"],
            &["doorward-flow2=1; xdoorward-flow=2"],
        ),
    ] {
        let mut headers = headers(before);
        remove(&mut headers).unwrap();
        let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
        let left: Vec<_> = left
            .iter()
            .map(|v| String::from_utf8_lossy(v.as_bytes()))
            .collect();
        assert_eq!(left, after, "{before:?}");
    }
}

#[test]
fn an_upstream_may_not_plant_ours() {
    for (set_cookie, plants) in [
        ("doorward=x; Path=/", true),
        ("__Host-doorward=x; Secure", true),
        (" doorward =x", true),
        ("doorward", true),
        ("=doorward=x", true),
        ("app=doorward=x", false),
        ("doorward2=x", false),
        ("doorward-flow=x; Path=/", true),
        ("__Host-doorward-flow=x; Secure", true),
        ("=doorward-flow=x", true),
        ("doorward-flows=x", false),
        ("a=b; doorward=x", false),
        ("", false),
    ] {
        assert_eq!(plants_ours(set_cookie.as_bytes()), plants, "{set_cookie}");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_none_of_ours_is_left(cookies in proptest::collection::vec(
        "(doorward|__Host-doorward|doorward-flow|a|=|;| |b|\"|\t){0,12}", 0..4)) {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        let mut headers = headers(&cookies);
        remove(&mut headers).unwrap();
        for scheme in [Scheme::Http, Scheme::Https] {
            prop_assert_eq!(find(&headers, scheme), Presented::None);
        }
    }

    #[test]
    fn others_stay_byte_for_byte(before in "[a-c=; \"é]{0,20}", after in "[a-c=; \"é]{0,20}") {
        let mut headers = headers(&[&format!("{before};doorward=TOKEN;{after}")]);
        remove(&mut headers).unwrap();
        let left = headers.get(COOKIE).map_or(&b""[..], HeaderValue::as_bytes);
        let expected = format!("{before};{after}");
        prop_assert_eq!(left.trim_ascii(), expected.as_bytes().trim_ascii());
    }
}
