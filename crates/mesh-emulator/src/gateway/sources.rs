//! The bytes of the pictures that a request holds or points to.

use std::borrow::Cow;

use mesh_proto::image::DataUrl;

use super::pictures::Pictures;

/// Where the pictures of URLs are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'s> {
    pub(super) pictures: &'s Pictures,
    /// The gateway's own host and port, as the caller names it.
    pub(super) host: Option<&'s str>,
}

/// Why a picture has no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoBytes {
    /// A data URL that cannot be read.
    Broken(String),
    /// Neither a data URL nor an http(s) URL.
    NoUrl,
    /// An http(s) URL whose picture the gateway cannot have, and why.
    Elsewhere(&'static str),
}

impl<'s> Sources<'s> {
    /// The bytes of a URL.
    pub(super) fn bytes_of(self, url: &str) -> Result<Cow<'s, [u8]>, NoBytes> {
        let url = url.trim();
        if DataUrl::is_data_url(url) {
            return decoded(url);
        }
        let rest = without_scheme(url).ok_or(NoBytes::NoUrl)?;
        let own = rest
            .split_once('/')
            .filter(|(host, _)| self.host.is_some_and(|own| own.eq_ignore_ascii_case(host)))
            .and_then(|(_, path)| path.strip_prefix("pictures/"));
        match own {
            Some(name) => self
                .pictures
                .find(name)
                .map(|bytes| Cow::Borrowed(&bytes[..]))
                .ok_or(NoBytes::Elsewhere(
                    "that picture is not, or no longer, hosted here.",
                )),
            None => Err(NoBytes::Elsewhere(
                "the emulator has no network and cannot fetch a remote URL. Send the picture as a data: URL.",
            )),
        }
    }

    /// The bytes of a URL, or of base64 without anything before it.
    pub(super) fn bytes_of_url_or_base64(self, text: &str) -> Result<Cow<'s, [u8]>, NoBytes> {
        match self.bytes_of(text) {
            Err(NoBytes::NoUrl) => decoded(&format!("data:;base64,{}", text.trim())),
            other => other,
        }
    }
}

fn decoded<'s>(data_url: &str) -> Result<Cow<'s, [u8]>, NoBytes> {
    DataUrl::parse(data_url)
        .and_then(|parsed| parsed.decode())
        .map(Cow::Owned)
        .map_err(|reason| NoBytes::Broken(reason.to_string()))
}

fn without_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    ["http", "https"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it))
        .then_some(rest)
}
