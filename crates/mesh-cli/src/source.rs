//! Where an image that is to be seen comes from.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mesh_blocking::image::{self, Image};
use mesh_blocking::proto::error::chain;
use mesh_blocking::proto::image::{DataUrl, MAX_FILE};
use percent_encoding::percent_decode_str;

use crate::failure::{Failure, Kind};

/// An image as it was named on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source<'n> {
    StandardInput,
    /// An image within its own URL.
    DataUrl(&'n str),
    /// An image that the gateway fetches.
    Url(&'n str),
    File(PathBuf),
    /// A `file` URL of another machine.
    OtherHost(&'n str),
}

impl<'n> Source<'n> {
    /// What a name stands for.
    pub(crate) fn of(name: &'n OsStr) -> Self {
        if name == "-" {
            return Self::StandardInput;
        }
        let file = || Self::File(name.into());
        let Some(text) = name.to_str() else {
            return file();
        };
        if DataUrl::is_data_url(text) {
            return Self::DataUrl(text);
        }
        let Some((scheme, rest)) = text.split_once(':') else {
            return file();
        };
        if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
            if rest.starts_with("//") {
                return Self::Url(text);
            }
            return file();
        }
        if scheme.eq_ignore_ascii_case("file") && rest.starts_with('/') {
            return local_path(rest).map_or(Self::OtherHost(text), Self::File);
        }
        if is_scheme(scheme) && rest.starts_with("//") && !Path::new(name).exists() {
            return Self::Url(text);
        }
        file()
    }

    /// Whether its bytes go into the request.
    pub(crate) fn is_inline(&self) -> bool {
        !matches!(self, Self::Url(_) | Self::OtherHost(_))
    }

    /// Reads the image, or checks its URL.
    pub(crate) fn open(&self) -> Result<Image, Failure> {
        let bad = |error: &dyn fmt::Display| Failure::new(Kind::Usage, error);
        match self {
            Self::StandardInput => {
                let mut bytes = Vec::new();
                io::stdin()
                    .lock()
                    .take(MAX_FILE + 1)
                    .read_to_end(&mut bytes)
                    .map_err(|error| bad(&format_args!("{self}: {error}")))?;
                Image::from_bytes(bytes).map_err(|error| bad(&format_args!("{self}: {error}")))
            }
            Self::DataUrl(url) | Self::Url(url) => {
                Image::from_url(*url).map_err(|error| bad(&format_args!("{self}: {error}")))
            }
            Self::OtherHost(_) => Err(bad(&format_args!(
                "{self}: a file of another machine; give a path or an https:// URL"
            ))),
            Self::File(path) => image::open(path).map_err(|error| {
                let error = chain(&error);
                let reads_as_question = path.as_os_str().to_string_lossy().contains(' ');
                if reads_as_question && !path.exists() {
                    bad(&format_args!("{error} (to ask something, use --question)"))
                } else {
                    bad(&error)
                }
            }),
        }
    }
}

/// The name as a line shows it.
impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("standard input"),
            Self::DataUrl(_) => f.write_str("a data URL"),
            Self::Url(url) | Self::OtherHost(url) => f.write_str(url),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The path of a `file` URL (RFC 8089) from behind its scheme, if it is one of this machine.
fn local_path(rest: &str) -> Option<PathBuf> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => {
            let (host, _) = rest.split_once('/')?;
            let is_local =
                host.is_empty() || host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1";
            rest.get(host.len()..).filter(|_| is_local)?
        }
    };
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    Some(path_of(bytes))
}

#[cfg(unix)]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    OsString::from_vec(bytes).into()
}

/// A drive letter stands behind a slash: `/C:/fox.png`.
#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> PathBuf {
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let has_drive = text.as_bytes().get(2) == Some(&b':');
    match text.strip_prefix('/').filter(|_| has_drive) {
        Some(path) => path.into(),
        None => text.into(),
    }
}

/// Whether a text is a URL's scheme (RFC 3986, section 3.1), and no drive letter.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Replaces the place of an image in a request with its name: `messages[0].content[2]` is the
/// second one. Gateways write it with brackets or with dots, some with the `body` before it.
pub(crate) fn with_names(text: &str, sources: &[Source<'_>]) -> String {
    const START: &str = "messages";
    let mut named = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        let before = before.strip_suffix("body.").unwrap_or(before);
        named.push_str(before);
        match image_at(after).and_then(|(place, after)| Some((sources.get(place)?, after))) {
            Some((source, after)) => {
                named.push_str(&source.to_string());
                rest = after;
            }
            None => {
                named.push_str(START);
                rest = after;
            }
        }
    }
    named.push_str(rest);
    named
}

/// Which image `[0].content[2]` means, from 0, and what follows. The question comes before the
/// images.
fn image_at(text: &str) -> Option<(usize, &str)> {
    let (message, rest) = index(text)?;
    let rest = rest
        .strip_prefix(".content")
        .or_else(|| rest.strip_prefix("[content]"))?;
    let (part, mut rest) = index(rest)?;
    for field in [".image_url", ".url"] {
        rest = rest.strip_prefix(field).unwrap_or(rest);
    }
    let place = part.checked_sub(1).filter(|_| message == 0)?;
    Some((place, rest))
}

/// `[2]` or `.2`, and what follows.
fn index(text: &str) -> Option<(usize, &str)> {
    let (text, end) = match text.strip_prefix('[') {
        Some(text) => (text, "]"),
        None => (text.strip_prefix('.')?, ""),
    };
    let digits = text.len()
        - text
            .trim_start_matches(|it: char| it.is_ascii_digit())
            .len();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest.strip_prefix(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_url_a_file_or_standard_input() {
        let file = |path: &str| Source::File(path.into());
        for (name, expected) in [
            ("-", Source::StandardInput),
            ("fox.png", file("fox.png")),
            ("a:b.png", file("a:b.png")),
            ("https:fox.png", file("https:fox.png")),
            ("HTTPS://x.test/a", Source::Url("HTTPS://x.test/a")),
            ("http://x.test/a", Source::Url("http://x.test/a")),
            ("ftp://x.test/a", Source::Url("ftp://x.test/a")),
            ("C:\\fox.png", file("C:\\fox.png")),
            (
                "DATA:image/png;base64,AA",
                Source::DataUrl("DATA:image/png;base64,AA"),
            ),
            ("file:///a/b%20c.png", file("/a/b c.png")),
            ("FILE:///a/b c.png", file("/a/b c.png")),
            ("file://localhost/a.png", file("/a.png")),
            ("file://LocalHost/a.png", file("/a.png")),
            ("file:/a.png", file("/a.png")),
            ("file:///a%3Fb%23c.png", file("/a?b#c.png")),
            (
                "file://server/a.png",
                Source::OtherHost("file://server/a.png"),
            ),
            ("file://server", Source::OtherHost("file://server")),
            ("file:a.png", file("file:a.png")),
        ] {
            assert_eq!(Source::of(name.as_ref()), expected, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_url_may_hold_any_byte() {
        use std::os::unix::ffi::OsStrExt as _;

        let Source::File(path) = Source::of("file:///a%FC.png".as_ref()) else {
            panic!("no file");
        };
        assert_eq!(path.as_os_str().as_bytes(), b"/a\xfc.png");
    }

    #[test]
    fn an_images_place_is_replaced_by_its_name() {
        let sources = ["a.png", "-", "b c.png"].map(|name| Source::of(name.as_ref()));
        for (text, expected) in [
            ("messages[0].content[1]: truncated", "a.png: truncated"),
            ("messages[0].content[2]: x", "standard input: x"),
            ("body.messages.0.content.3.image_url.url: x", "b c.png: x"),
            (
                "messages.0.content.1 and messages[0].content[3].image_url",
                "a.png and b c.png",
            ),
            ("messages[0].content[0]: x", "messages[0].content[0]: x"),
            ("messages[0].content[4]: x", "messages[0].content[4]: x"),
            ("messages[1].content[1]: x", "messages[1].content[1]: x"),
            ("messages[0].content: x", "messages[0].content: x"),
            ("too many messages", "too many messages"),
            (
                "messages[99999999999999999999].content[1]",
                "messages[99999999999999999999].content[1]",
            ),
            ("", ""),
        ] {
            assert_eq!(with_names(text, &sources), expected);
        }
    }
}
