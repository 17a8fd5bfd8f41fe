//! The last exchanges, for the page.

use std::collections::VecDeque;

use http::{Method, StatusCode};

use super::secrets::without_keys;

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

impl Record {
    pub(super) fn add(&mut self, exchange: Exchange) {
        self.0.truncate(KEPT - 1);
        self.0.push_front(exchange);
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
    }
}
