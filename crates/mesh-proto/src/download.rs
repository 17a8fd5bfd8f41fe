//! Fetching a picture that a reply gives by URL: without the key, within bounds, and from public
//! addresses only.
//!
//! A [`Download`] is an [`Endpoint`] like any other, so that a [`Call`](crate::Call) drives it;
//! its request is not the gateway's. Redirects are followed one by one, each checked like the first
//! URL: see [`Download::after`].

mod fetch;
mod pieces;
mod public;

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Uri};

pub use self::fetch::Fetch;
pub use self::pieces::{DownloadPieces, Piece, PiecesDecoder};
pub use self::public::is_public;
use crate::address;
use crate::body::Body;
use crate::build_error::BuildError;
use crate::call::{CallError, Failure};
use crate::call::{RetryBudget, Settings};
use crate::endpoint::{DocumentDecoder, Endpoint};
use crate::error::DecodeError;
use crate::head::{Coding, Head};
use crate::image::{DataUrl, GeneratedImage, Image, MediaType};
use crate::limits::Limits;
use crate::replay::Replay;
use crate::secret;
use crate::target::{BaseUrl, Target};

/// How many redirects a download follows.
const MOST_REDIRECTS: u32 = 5;

/// A picture to be fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Download {
    url: Uri,
    bounds: DownloadBounds,
    redirects: u32,
}

/// What a download may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadBounds {
    /// The largest picture, in bytes. 64 MiB by default.
    pub size: usize,
    /// How long it may take in all. 5 minutes by default.
    pub time: Duration,
    /// Which addresses it may come from.
    pub addresses: Addresses,
}

impl Default for DownloadBounds {
    fn default() -> Self {
        Self {
            size: 64 << 20,
            time: Duration::from_secs(300),
            addresses: Addresses::Public,
        }
    }
}

/// Which addresses a download may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    /// Public ones, and the gateway's own origin: a reply cannot make this machine reach into its
    /// network.
    #[default]
    Public,
    /// Any.
    Any,
}

impl Download {
    /// The picture at `url`, which is `https`, or `http` where the target's own origin is. What may
    /// not stand in its path or query, such as a space, is percent-encoded.
    ///
    /// Errors where it is neither. A URL that is relative to the gateway is for [`Download::at`].
    pub fn new(url: &str, bounds: DownloadBounds) -> Result<Self, BuildError> {
        let url = address::parse(url.trim().as_bytes())
            .map_err(|reason| BuildError::invalid("url", reason))?;
        Ok(Self {
            url,
            bounds,
            redirects: 0,
        })
    }

    /// The picture at `url`, which a reply of the gateway at `base` gives: a URL as for
    /// [`Download::new`], or one that is relative to the gateway (RFC 3986, against the base URL
    /// without `/v1` and with a slash at its end).
    ///
    /// # Errors
    ///
    /// Returns [`BuildError`] if it is neither.
    pub fn at(url: &str, base: &BaseUrl, bounds: DownloadBounds) -> Result<Self, BuildError> {
        match address::resolve(base, url) {
            Some(url) => Ok(Self {
                url,
                bounds,
                redirects: 0,
            }),
            None => Self::new(url, bounds),
        }
    }

    /// A picture of the user's, behind a URL that says by itself where it leads, or in a data URL.
    ///
    /// # Errors
    ///
    /// Returns [`BuildError`] for anything else.
    pub fn input(url: &str) -> Result<GeneratedImage, BuildError> {
        let image = GeneratedImage::from_url(url.trim());
        // Relative to the gateway it would be fetched, which is not what a path of the user's means.
        match image.remote_url() {
            Some(url) if !address::is_url(url) => Err(BuildError::invalid(
                "url",
                "not a URL that begins with https:// or data:",
            )),
            _ => Ok(image),
        }
    }

    /// The same download, its picture whole.
    pub fn whole(self) -> Self {
        self
    }

    /// The URL.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// Where the transport has to send it.
    pub fn reach(&self, target: &Target) -> Reach {
        if target.base().is_same_origin(&self.url) {
            Reach::Gateway
        } else if self.bounds.addresses == Addresses::Any {
            Reach::Anywhere
        } else {
            Reach::Public
        }
    }

    /// The settings of its call: those of the client, within the bounds, with a retry budget of its
    /// own, as the host is not the gateway. `spent` is how long ago the first call of the download
    /// began: redirects share its time.
    pub fn settings(&self, client: &Settings, spent: Duration) -> Settings {
        let mut settings = client.clone();
        let total = client
            .deadlines
            .total
            .map_or(self.bounds.time, |total| total.min(self.bounds.time));
        settings.deadlines.total = Some(total.saturating_sub(spent));
        settings.budget = RetryBudget::new();
        settings
    }

    /// The download to go on with after `error`, where that is a redirect.
    ///
    /// Errors where it points nowhere or holds the key, or the redirects are too many.
    pub fn after(&self, error: &CallError) -> Option<Result<Self, BuildError>> {
        if !matches!(error.failure(), Failure::Redirect { .. }) {
            return None;
        }
        let location = error.head()?.headers().get(header::LOCATION)?;
        if location == secret::TAKEN_OUT {
            return Some(Err(BuildError::invalid(
                "url",
                "the redirect holds the API key",
            )));
        }
        Some(if self.redirects < MOST_REDIRECTS {
            address::join(&self.url, location.as_bytes())
                .map(|url| Self {
                    url,
                    bounds: self.bounds,
                    redirects: self.redirects + 1,
                })
                .map_err(|reason| {
                    BuildError::invalid("url", format!("the redirect's target is {reason}"))
                })
        } else {
            Err(BuildError::invalid(
                "url",
                format!("more than {MOST_REDIRECTS} redirects"),
            ))
        })
    }

    /// What was fetched, as a picture to be sent.
    ///
    /// Errors where it is none, or one that models do not take, and says what it is.
    pub fn to_be_sent(fetched: &GeneratedImage) -> Result<Image, BuildError> {
        Image::try_from(fetched).map_err(|error| BuildError::invalid("url", error.to_string()))
    }

    fn validate(&self, target: &Target) -> Result<(), BuildError> {
        let own = target.base().is_same_origin(&self.url);
        let host = self.url.host().unwrap_or_default();
        match self.url.scheme_str() {
            Some("https") => {}
            Some("http") if own || self.bounds.addresses == Addresses::Any => {}
            _ => {
                return Err(BuildError::invalid(
                    "url",
                    "a picture is fetched over https only",
                ));
            }
        }
        if self
            .url
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(BuildError::invalid("url", "it holds a user name"));
        }
        // A gateway that echoes the key into a URL must not make us carry it elsewhere.
        let url = self.url.to_string();
        if !own && secret::holds(url.as_bytes(), target.key().reveal()) {
            return Err(BuildError::invalid("url", "it holds the API key"));
        }
        if self.reach(target) == Reach::Public && is_local(host) {
            return Err(BuildError::invalid(
                "url",
                "it points into a private network, where nothing is fetched from",
            ));
        }
        Ok(())
    }
}

/// Where a download goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the gateway's own origin, like any call.
    Gateway,
    /// To addresses for which [`is_public`] holds: the transport looks at those that the host's
    /// name stands for, before it connects.
    Public,
    /// To any address.
    Anywhere,
}

/// Whether a host is this machine or a private address by its name alone, in any of the forms that
/// URL parsers take for an IPv4 address (WHATWG URL, section 3.5): `127.1`, `0x7f000001`,
/// `2130706433`.
fn is_local(host: &str) -> bool {
    // A resolver may know what is meant by an address with a zone; nobody public has one.
    let is_address = host.starts_with('[');
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.');
    if let Ok(address) = host.parse() {
        return !is_public(address);
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with(|first: char| first.is_ascii_digit())
        && (last.bytes().all(|byte| byte.is_ascii_digit())
            || last.starts_with("0x")
            || last.starts_with("0X"));
    is_address || is_number || last.eq_ignore_ascii_case("localhost")
}

impl Endpoint for Download {
    type Event = Infallible;
    type Output = GeneratedImage;
    type Decoder = DocumentDecoder<GeneratedImage, Head>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        self.validate(target)?;
        Ok(Request::builder()
            .method(Method::GET)
            .uri(self.url.clone())
            .header(header::ACCEPT, HeaderValue::from_static("image/*"))
            .header(
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            )
            .header(
                header::USER_AGENT,
                HeaderValue::from_static(crate::target::USER_AGENT),
            )
            .body(Body::empty())?)
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        let limits = Limits {
            reply: self.bounds.size,
            ..*limits
        };
        Ok(DocumentDecoder::new(
            head,
            &limits,
            head.clone(),
            |body, head| {
                let declared = Declared::of(&head);
                declared.check(&body)?;
                Ok(read(body, declared.media_type))
            },
        ))
    }
}

/// What the headers of a response say about the image in it.
struct Declared {
    media_type: Option<MediaType>,
    /// A content coding that is not a known one.
    coding: Option<String>,
}

impl Declared {
    fn of(head: &Head) -> Self {
        let media_type = head.header(header::CONTENT_TYPE);
        Self {
            media_type: media_type.and_then(MediaType::declared),
            coding: match head.coding() {
                Coding::Unknown(name) => Some(name),
                Coding::None | Coding::Real(_) => None,
            },
        }
    }

    /// Errors if the bytes are encoded: the headers name a coding, and they are neither an image nor
    /// text.
    fn check(&self, bytes: &[u8]) -> Result<(), DecodeError> {
        match &self.coding {
            Some(coding) if !bytes.is_empty() && !is_plain(bytes) => {
                Err(DecodeError::encoded(coding))
            }
            _ => Ok(()),
        }
    }
}

/// Whether bytes, of which the last character may be cut off, are plainly an image or text.
fn is_plain(bytes: &[u8]) -> bool {
    let is_text = || match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    MediaType::sniff(bytes).is_some() || (is_text() && !bytes.iter().any(is_control))
}

fn read(bytes: Bytes, declared: Option<MediaType>) -> GeneratedImage {
    // A host has been seen to answer with the text of a data URL.
    match std::str::from_utf8(&bytes) {
        Ok(text) if DataUrl::is_data_url(text) => GeneratedImage::from_url(text.trim()),
        _ => GeneratedImage::from_bytes(bytes).with_declared(declared),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::ApiKey;

    fn request(base: &str, url: &str, addresses: Addresses) -> Result<Request<Body>, BuildError> {
        let target = Target::new(
            BaseUrl::new(base).unwrap(),
            ApiKey::new("rsk_canary").unwrap(),
        );
        let bounds = DownloadBounds {
            addresses,
            ..DownloadBounds::default()
        };
        Download::new(url, bounds).and_then(|download| download.request(&target))
    }

    #[test]
    fn the_key_never_goes_along() {
        for url in ["https://api.meshapi.ai/pictures/1", "https://cdn.test/1"] {
            let request = request("https://api.meshapi.ai", url, Addresses::Public).unwrap();
            assert!(!request.headers().contains_key(header::AUTHORIZATION));
            assert!(!format!("{:?}", request.headers()).contains("canary"));
        }
    }

    #[test]
    fn a_url_that_holds_the_key_is_not_asked_for_elsewhere() {
        for url in [
            "https://cdn.test/1?token=rsk_canary",
            "https://cdn.test/1?token=RSK_Canary",
            "https://cdn.test/rsk%5Fcanary/1.png",
            "https://cdn.test/%72%73%6b_canary",
            "https://cdn.test/rsk%255fcanary",
            "https://rsk_canary.cdn.test/1",
        ] {
            for addresses in [Addresses::Public, Addresses::Any] {
                let refused = request("https://api.meshapi.ai", url, addresses).unwrap_err();
                assert!(refused.to_string().contains("API key"), "{url}");
                assert!(!format!("{refused} {refused:?}").contains("canary"));
            }
        }
        let url = "https://cdn.test/1?token=rsk_canary";
        assert!(request("https://cdn.test", url, Addresses::Public).is_ok());
    }

    #[test]
    fn a_url_with_a_short_key_in_it_is_asked_for() {
        for key in ["1", "ollama", "EMPTY"] {
            let target = Target::new(BaseUrl::production(), ApiKey::new(key).unwrap());
            let url = "https://cdn.test/ollama/EMPTY/1024.png";
            let download = Download::new(url, DownloadBounds::default()).unwrap();
            assert!(download.request(&target).is_ok(), "{key}");
        }
    }

    #[test]
    fn this_machine_in_another_spelling_is_the_gateways_own_origin() {
        let bounds = DownloadBounds::default();
        for base in ["http://0.0.0.0:4000", "http://127.1:4000/v1"] {
            let base = BaseUrl::new(base).unwrap();
            let target = Target::new(base.clone(), ApiKey::new("rsk_canary").unwrap());
            for url in [
                "http://0.0.0.0:4000/a.png",
                "//127.0.0.1:4000/a.png",
                "a.png",
            ] {
                let download = Download::at(url, &base, bounds).unwrap();
                assert_eq!(download.reach(&target), Reach::Gateway, "{url}");
                let request = download.request(&target).unwrap();
                assert_eq!(request.uri(), "http://127.0.0.1:4000/a.png");
            }
        }
    }

    #[test]
    fn private_places_are_refused_unless_they_are_the_gateways_own_or_allowed() {
        for (url, refused) in [
            ("http://127.0.0.1:9/p.png", false),
            ("http://127.0.0.1:10/p.png", true),
            ("https://127.0.0.1/p.png", true),
            ("https://localhost/p.png", true),
            ("https://10.0.0.1/p.png", true),
            ("https://[::ffff:10.0.0.1]/p.png", true),
            ("https://[fe80::1%25eth0]/p.png", true),
            ("https://169.254.169.254/latest", true),
            ("https://2130706433/p.png", true),
            ("https://127.1/p.png", true),
            ("https://0x7f.1/p.png", true),
            ("https://127.0.0.1./p.png", true),
            ("https://localhost./p.png", true),
            ("https://a.localhost/p.png", true),
            ("https://1.1.1.1/p.png", false),
            ("https://3com.test/p.png", false),
            ("http://cdn.test/p.png", true),
            ("https://cdn.test/p.png", false),
            ("https://user@cdn.test/p.png", true),
            ("file:///etc/passwd", true),
            ("/p.png", true),
        ] {
            let result = request("http://127.0.0.1:9", url, Addresses::Public);
            assert_eq!(result.is_err(), refused, "{url}");
        }
        assert!(
            request(
                "http://127.0.0.1:9",
                "http://10.0.0.1/p.png",
                Addresses::Any
            )
            .is_ok()
        );
    }

    #[test]
    fn redirects_share_the_time_of_the_download() {
        let download = Download::new("https://cdn.test/1", DownloadBounds::default()).unwrap();
        let total = |client: &Settings, spent| {
            let settings = download.settings(client, Duration::from_secs(spent));
            settings.deadlines.total.unwrap().as_secs()
        };
        let mut client = Settings::default();
        assert_eq!((total(&client, 0), total(&client, 299)), (300, 1));
        client.deadlines.total = Some(Duration::from_secs(60));
        assert_eq!((total(&client, 10), total(&client, 61)), (50, 0));
    }

    #[test]
    fn a_redirect_that_is_not_ascii_says_where_to() {
        let download = Download::new("https://cdn.test/1", DownloadBounds::default()).unwrap();
        let location = HeaderValue::from_bytes("/ü b.png".as_bytes()).unwrap();
        let response = http::Response::builder()
            .status(302)
            .header(header::LOCATION, location)
            .body(Bytes::new())
            .unwrap();
        let failure = download.read(response).unwrap_err();
        assert!(
            matches!(&failure, Failure::Redirect { location: Some(to), .. } if to == "/ü b.png"),
            "{failure:?}"
        );
    }
}
