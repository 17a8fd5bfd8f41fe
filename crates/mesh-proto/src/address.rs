//! URLs as users, gateways and hosts write them, made into what a request may carry.

use http::Uri;
use http::uri::Authority;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::host;
use crate::target::BaseUrl;

/// Why a text is no URL to fetch from, in words that end a sentence.
pub(crate) type Reason = &'static str;

const NOT_A_URL: Reason = "not a URL";
const NO_HOST: Reason = "a URL without a host";
const CONTROL: Reason = "a URL with a line break or another control character in it";
const SPACE_IN_HOST: Reason = "a URL with a space in its host";
const NOT_ASCII: Reason =
    "a URL whose host is not ASCII; such a name is written in its ASCII form, xn--…";
const OTHER_SCHEME: Reason = "a URL of another scheme than http and https";
const FILE: Reason = "a file URL; give the path of the file instead";

/// What may not stand in a path or a query, and is encoded there by browsers, too (WHATWG URL, path
/// percent-encode set); whatever is not ASCII is as well. What is encoded already stays.
const UNFIT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A URL, without its fragment.
pub(crate) fn parse(url: &[u8]) -> Result<Uri, Reason> {
    let url = plain(url)?;
    let (before, path) = divided(url)?;
    let url = format!("{before}{}", percent_encode(path, UNFIT));
    let url: Uri = url.parse().map_err(|_| NOT_A_URL)?;
    Ok(rehosted(&url).unwrap_or(url))
}

/// What of a URL stands before its path or query, and the rest, which may have to be encoded.
fn divided(url: &[u8]) -> Result<(&str, &[u8]), Reason> {
    let begin = memchr::memmem::find(url, b"://").map_or(0, |at| at + 3);
    let rest = url.get(begin..).unwrap_or_default();
    let host = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    let (before, path) = url.split_at_checked(begin + host).ok_or(NOT_A_URL)?;
    if !before.is_ascii() {
        return Err(NOT_ASCII);
    }
    if before.contains(&b' ') {
        return Err(if begin == 0 { NOT_A_URL } else { SPACE_IN_HOST });
    }
    let before = std::str::from_utf8(before).map_err(|_| NOT_A_URL)?;
    Ok((before, path))
}

/// A user's URL of `http` or `https`, to be fetched by others: its scheme in lower case, and what
/// may not stand in its path, query or fragment percent-encoded. Otherwise as it is.
pub(crate) fn encoded(url: &str) -> Result<String, Reason> {
    let url = url.trim();
    let scheme = scheme_of(url.as_bytes()).ok_or(NOT_A_URL)?;
    if scheme.eq_ignore_ascii_case(b"file") {
        return Err(FILE);
    }
    if !is_http(scheme) {
        return Err(OTHER_SCHEME);
    }
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(CONTROL);
    }
    let (before, path) = divided(url.as_bytes())?;
    let (scheme, authority) = before.split_once("://").ok_or(NOT_A_URL)?;
    if authority.is_empty() {
        return Err(NO_HOST);
    }
    let scheme = scheme.to_ascii_lowercase();
    let url = format!("{scheme}://{authority}{}", percent_encode(path, UNFIT));
    let parsed: Uri = url.parse().map_err(|_| NOT_A_URL)?;
    if parsed.host().is_none_or(str::is_empty) {
        return Err(NO_HOST);
    }
    Ok(url)
}

/// Whether a text has the form of a URL of any scheme, and not that of a path.
pub(crate) fn is_url(text: &str) -> bool {
    let text = text.trim();
    scheme_of(text.as_bytes()).is_some_and(|scheme| {
        let rest = text.get(scheme.len() + 1..).unwrap_or_default();
        rest.starts_with("//") || scheme.eq_ignore_ascii_case(b"file")
    })
}

/// A URL that is relative to the gateway, resolved against its base URL without `/v1` and with a
/// slash at its end (RFC 3986, section 5). `None` for a URL that is not relative, or is none.
pub(crate) fn resolve(base: &BaseUrl, reference: &str) -> Option<Uri> {
    let reference = reference.trim();
    if !is_relative(reference) {
        return None;
    }
    let base: Uri = format!("{base}/").parse().ok()?;
    join(&base, reference.as_bytes()).ok()
}

/// Whether a URL has no scheme of its own.
pub(crate) fn is_relative(url: &str) -> bool {
    let url = url.trim();
    !url.is_empty() && scheme_of(url.as_bytes()).is_none()
}

fn is_http(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https")
}

/// The URL with this machine spelled plainly, if its host is this machine in another spelling: a
/// gateway gives its images the address that it listens on, such as `0.0.0.0`.
fn rehosted(url: &Uri) -> Option<Uri> {
    let authority = url.authority()?;
    let plain = host::on_this_machine(authority.host())?;
    let port = authority.as_str().strip_prefix(authority.host())?;
    let authority: Authority = format!("{plain}{port}").parse().ok()?;
    let mut parts = url.clone().into_parts();
    parts.authority = Some(authority);
    Uri::from_parts(parts).ok()
}

/// A redirect's target against the URL that sent it (RFC 3986, section 5.2).
pub(crate) fn join(base: &Uri, location: &[u8]) -> Result<Uri, Reason> {
    let location = plain(location)?;
    let scheme = base.scheme_str().ok_or(NOT_A_URL)?;
    let mut parts = if let Some(told) = scheme_of(location) {
        if !is_http(told) {
            return Err(OTHER_SCHEME);
        }
        parse(location)?.into_parts()
    } else if location.starts_with(b"//") {
        parse(&[scheme.as_bytes(), b":", location].concat())?.into_parts()
    } else {
        let path = base.path();
        let before = match location.first() {
            Some(b'/') => "",
            Some(b'?') => path,
            Some(_) => path
                .rfind('/')
                .map_or("/", |at| path.get(..=at).unwrap_or("/")),
            None => return Ok(base.clone()),
        };
        let mut parts = base.clone().into_parts();
        let path = format!("{before}{}", percent_encode(location, UNFIT));
        parts.path_and_query = Some(path.parse().map_err(|_| NOT_A_URL)?);
        parts
    };
    if let Some(told) = &parts.path_and_query {
        let path = without_dots(told.path());
        let query = told.query().map(|query| format!("?{query}"));
        let whole = path + query.as_deref().unwrap_or_default();
        parts.path_and_query = Some(whole.parse().map_err(|_| NOT_A_URL)?);
    }
    Uri::from_parts(parts).map_err(|_| NOT_A_URL)
}

/// A URL without its fragment and white space around it.
fn plain(url: &[u8]) -> Result<&[u8], Reason> {
    let url = url.trim_ascii();
    let end = memchr::memchr(b'#', url).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    if url.iter().any(u8::is_ascii_control) {
        return Err(CONTROL);
    }
    Ok(url)
}

/// The scheme of a reference that has one (RFC 3986, section 3.1).
fn scheme_of(reference: &[u8]) -> Option<&[u8]> {
    let scheme = reference.get(..memchr::memchr(b':', reference)?)?;
    let mut bytes = scheme.iter();
    let is_scheme = bytes.next()?.is_ascii_alphabetic()
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    is_scheme.then_some(scheme)
}

/// A path without the segments that lead to others (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment == ".." {
            kept.pop();
        }
        if !matches!(segment, "." | "..") {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_stand_in_a_url_is_encoded() {
        for (url, expected) in [
            ("https://a.test/a b.png", Ok("https://a.test/a%20b.png")),
            (
                " https://a.test/ü?q=日#f ",
                Ok("https://a.test/%C3%BC?q=%E6%97%A5"),
            ),
            (
                "https://a.test/a%20b?c=%2F&d={e}",
                Ok("https://a.test/a%20b?c=%2F&d=%7Be%7D"),
            ),
            ("https://a.test?q= ", Ok("https://a.test/?q=")),
            ("https://a.test?q=a b", Ok("https://a.test/?q=a%20b")),
            ("https://bücher.test/a.png", Err(NOT_ASCII)),
            ("https://a b.test/a.png", Err(SPACE_IN_HOST)),
            ("https://a.test/a\nb.png", Err(CONTROL)),
            ("http://0.0.0.0:9/a.png", Ok("http://127.0.0.1:9/a.png")),
            ("http://[::]/a.png", Ok("http://[::1]/a.png")),
            ("a b", Err(NOT_A_URL)),
            ("", Err(NOT_A_URL)),
        ] {
            let read = parse(url.as_bytes()).map(|url| url.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().copied(), "{url}");
        }
        // In whatever encoding the path is.
        let read = parse(b"https://a.test/caf\xe9.png").unwrap();
        assert_eq!(read, "https://a.test/caf%E9.png");
    }

    #[test]
    fn a_users_url_is_encoded_or_refused_for_what_is_wrong() {
        for (url, expected) in [
            (
                "https://a.test/a.jpg?b=%20#c",
                Ok("https://a.test/a.jpg?b=%20#c"),
            ),
            ("HTTPS://A.test/B.jpg", Ok("https://A.test/B.jpg")),
            ("Http://a.test", Ok("http://a.test")),
            (
                " https://a.test/my photo.jpg\n",
                Ok("https://a.test/my%20photo.jpg"),
            ),
            (
                "https://a.test/Zürich.jpg",
                Ok("https://a.test/Z%C3%BCrich.jpg"),
            ),
            (
                "https://a.test?q=日 本",
                Ok("https://a.test?q=%E6%97%A5%20%E6%9C%AC"),
            ),
            ("https://a.test#ü", Ok("https://a.test#%C3%BC")),
            (
                "https://u@a.test:8443/a.jpg",
                Ok("https://u@a.test:8443/a.jpg"),
            ),
            ("https://zürich.test/a.jpg", Err(NOT_ASCII)),
            ("https://my host.test/a.jpg", Err(SPACE_IN_HOST)),
            ("https://a.test/a\nb.jpg", Err(CONTROL)),
            ("https://a.test/a\tb.jpg", Err(CONTROL)),
            ("https://", Err(NO_HOST)),
            ("https:///a.jpg", Err(NO_HOST)),
            ("https:a.test", Err(NOT_A_URL)),
            ("file:///a.jpg", Err(FILE)),
            ("FILE:/a.jpg", Err(FILE)),
            ("ftp://a.test/a.jpg", Err(OTHER_SCHEME)),
            ("a.jpg", Err(NOT_A_URL)),
        ] {
            let read = encoded(url);
            assert_eq!(read.as_deref(), expected.as_ref().copied(), "{url}");
        }
        for (text, expected) in [
            ("HTTPS://a.test", true),
            ("s3://bucket/a.png", true),
            ("file:/a.png", true),
            ("File:///a.png", true),
            ("a.png", false),
            ("./a:b.png", false),
            ("a:b.png", false),
            ("C:/a.png", false),
            ("", false),
        ] {
            assert_eq!(is_url(text), expected, "{text}");
        }
    }

    #[test]
    fn relative_urls_are_resolved_against_the_gateway() {
        for (base, reference, expected) in [
            ("https://a.test", "/i/f.png", Some("https://a.test/i/f.png")),
            (
                "https://a.test/v1",
                "i/f.png",
                Some("https://a.test/i/f.png"),
            ),
            (
                "https://a.test/mesh/v1",
                "i/f.png",
                Some("https://a.test/mesh/i/f.png"),
            ),
            (
                "https://a.test/mesh",
                "./f.png",
                Some("https://a.test/mesh/f.png"),
            ),
            (
                "https://a.test/mesh",
                "../f.png",
                Some("https://a.test/f.png"),
            ),
            (
                "https://a.test/mesh",
                "/f.png",
                Some("https://a.test/f.png"),
            ),
            (
                "https://a.test/mesh",
                "?id=5",
                Some("https://a.test/mesh/?id=5"),
            ),
            (
                "https://a.test",
                "//cdn.test/f.png",
                Some("https://cdn.test/f.png"),
            ),
            (
                "http://localhost:9",
                "//127.0.0.1:9/f.png",
                Some("http://127.0.0.1:9/f.png"),
            ),
            (
                "https://a.test",
                " /my fox.png ",
                Some("https://a.test/my%20fox.png"),
            ),
            (
                "https://a.test",
                "ü.png#x",
                Some("https://a.test/%C3%BC.png"),
            ),
            ("https://a.test", "https://b.test/f.png", None),
            ("https://a.test", "gs://b/f.png", None),
            ("https://a.test", "data:,a", None),
            ("https://a.test", "a\nb.png", None),
            ("https://a.test", "", None),
        ] {
            let base = BaseUrl::new(base).unwrap();
            let read = resolve(&base, reference).map(|url| url.to_string());
            assert_eq!(read.as_deref(), expected, "{base}, {reference}");
        }
    }

    #[test]
    fn redirects_are_relative_to_where_they_come_from() {
        let base: Uri = "https://a.test/x/y?q=1".parse().unwrap();
        for (location, expected) in [
            ("https://b.test/z", Ok("https://b.test/z")),
            ("HTTP://b.test/c/../z", Ok("http://b.test/z")),
            ("//b.test/z#f", Ok("https://b.test/z")),
            ("/z?r", Ok("https://a.test/z?r")),
            ("z", Ok("https://a.test/x/z")),
            ("?r", Ok("https://a.test/x/y?r")),
            ("", Ok("https://a.test/x/y?q=1")),
            ("/a b.png", Ok("https://a.test/a%20b.png")),
            ("ü.png?日", Ok("https://a.test/x/%C3%BC.png?%E6%97%A5")),
            ("../z/./w.png", Ok("https://a.test/z/w.png")),
            ("../../../z?a=../b", Ok("https://a.test/z?a=../b")),
            ("/a/b/..", Ok("https://a.test/a/")),
            ("./", Ok("https://a.test/x/")),
            ("a/:b", Ok("https://a.test/x/a/:b")),
            ("//bücher.test/z", Err(NOT_ASCII)),
            ("file:///etc/passwd", Err(OTHER_SCHEME)),
            ("data:image/png;base64,AAEC", Err(OTHER_SCHEME)),
            ("javascript:alert(1)", Err(OTHER_SCHEME)),
            ("https:/z", Err(NOT_A_URL)),
        ] {
            let read = join(&base, location.as_bytes()).map(|url| url.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().copied(), "{location}");
        }
    }
}
