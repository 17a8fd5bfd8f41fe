//! A picture in an answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// A picture, and the URL under which it is hosted where one was asked for.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) file: Bytes,
    pub(super) media_type: &'static str,
    pub(super) hosted: Option<String>,
}

impl Given {
    /// Where it is hosted, else a data URL.
    pub(super) fn url(&self) -> String {
        self.hosted
            .clone()
            .unwrap_or_else(|| format!("data:{};base64,{}", self.media_type, self.base64()))
    }

    /// Its bytes.
    pub(super) fn base64(&self) -> String {
        STANDARD.encode(&self.file)
    }
}
