//! The last exchanges, for the page.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{Method, StatusCode};
use mesh_proto::image::{Dimensions, MediaType, describe};

use super::pictures::{Hosted, Pictures};
use super::secrets::without_keys;
use crate::vision;

const KEPT: usize = 20;

/// A request and what it got, without anything secret.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) status: StatusCode,
    pub(super) model: Option<String>,
    pub(super) pictures_in: Vec<PictureSeen>,
    /// The names of the pictures that it got, as they are hosted.
    pub(super) pictures_out: Vec<String>,
    /// How many pictures it got.
    pub(super) drawn: usize,
}

/// A picture that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PictureSeen {
    /// What its bytes are: `a PNG picture`.
    pub(super) kind: String,
    /// Width and height in pixels.
    pub(super) size: Option<(u32, u32)>,
    pub(super) bytes: usize,
    /// The file, if the page can show it, until it is kept beside the record.
    pub(super) file: Option<Bytes>,
    /// The name of the file under `/sent/`.
    pub(super) name: Option<String>,
}

/// The most images of an exchange that the page shows, and their most bytes.
const MOST_SHOWN: usize = 16;
const MOST_SHOWN_BYTES: usize = 32 * 1024 * 1024;

impl PictureSeen {
    /// An image that came after others of the same exchange. Its file is kept if a browser shows it
    /// without risk: of a type that its bytes tell, of a bounded size, and one of the first.
    pub(super) fn new(bytes: &[u8], size: Option<Dimensions>, others: &[Self]) -> Self {
        let is_shown = MediaType::sniff(bytes).is_some_and(|it| it.is_portable());
        let pixels = size.map(|it| u64::from(it.width).saturating_mul(it.height.into()));
        let kept = others.iter().filter_map(|it| it.file.as_ref());
        let kept_bytes: usize = kept.map(Bytes::len).sum();
        let has_place = others.len() < MOST_SHOWN
            && kept_bytes.saturating_add(bytes.len()) <= MOST_SHOWN_BYTES
            && pixels.is_some_and(|it| it <= vision::MOST_PIXELS);
        Self {
            kind: describe(bytes).into_owned(),
            size: size.map(|size| (size.width, size.height)),
            bytes: bytes.len(),
            file: (is_shown && has_place).then(|| Bytes::copy_from_slice(bytes)),
            name: None,
        }
    }
}

impl Exchange {
    /// A request that got nothing yet.
    pub(super) fn new(method: &Method, path: &str) -> Self {
        Self {
            method: method.clone(),
            path: without_keys(path).chars().take(200).collect(),
            status: StatusCode::OK,
            model: None,
            pictures_in: Vec::new(),
            pictures_out: Vec::new(),
            drawn: 0,
        }
    }
}

/// The last exchanges, the newest first.
#[derive(Debug, Default)]
pub(super) struct Record(VecDeque<Exchange>);

impl Exchange {
    /// Moves the files of the images that came in to where the page has them from. One that is
    /// there already, as when a conversation is sent again, stays there once. `name` makes a name
    /// for each number.
    pub(super) fn keep_files(&mut self, sent: &mut Pictures, name: impl Fn(u64) -> String) {
        for (number, picture) in (0..).zip(&mut self.pictures_in) {
            picture.name = picture.file.take().map(|bytes| {
                let known = sent.name_of(&bytes).map(str::to_owned);
                known.unwrap_or_else(|| {
                    let name = name(number);
                    sent.keep(Hosted {
                        name: name.clone(),
                        bytes,
                    });
                    name
                })
            });
        }
    }
}

impl Record {
    pub(super) fn add(&mut self, exchange: Exchange) {
        self.0.truncate(KEPT - 1);
        self.0.push_front(exchange);
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
    }
}
