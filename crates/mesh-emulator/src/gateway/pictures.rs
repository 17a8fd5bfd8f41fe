//! Pictures that the gateway keeps within bounds: those that it has drawn and hosts, and those that
//! it was sent, for its page.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

/// How many bytes of pictures are kept; the oldest go first, the newest always stays.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const MOST_PICTURES: usize = 256;

/// A picture under `/pictures/` or `/sent/`.
#[derive(Clone, Debug)]
pub(super) struct Hosted {
    /// The name of its file, with the ending.
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

/// The pictures that are kept, the oldest first. A clone is a snapshot and costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Pictures(Arc<VecDeque<Hosted>>);

impl Pictures {
    /// The bytes of the picture with this name.
    pub(super) fn find(&self, name: &str) -> Option<&Bytes> {
        self.0
            .iter()
            .rev()
            .find(|picture| picture.name == name)
            .map(|picture| &picture.bytes)
    }

    /// The name under which the same bytes are kept.
    pub(super) fn name_of(&self, bytes: &[u8]) -> Option<&str> {
        let mut pictures = self.0.iter();
        let same = pictures.find(|it| it.bytes == bytes)?;
        Some(&same.name)
    }

    /// Keeps another picture.
    pub(super) fn keep(&mut self, picture: Hosted) {
        let kept = Arc::make_mut(&mut self.0);
        kept.push_back(picture);
        let mut bytes: usize = kept.iter().map(|it| it.bytes.len()).sum();
        while kept.len() > MOST_PICTURES || (bytes > MOST_BYTES && kept.len() > 1) {
            bytes -= kept.pop_front().map_or(0, |it| it.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let mut pictures = Pictures::default();
        for number in 0..300 {
            pictures.keep(Hosted {
                name: number.to_string(),
                bytes: Bytes::from_static(b"x"),
            });
        }
        assert!(pictures.find("43").is_none());
        assert!(pictures.find("44").is_some());
        pictures.keep(Hosted {
            name: "large".to_owned(),
            bytes: vec![0; MOST_BYTES + 1].into(),
        });
        assert!(pictures.find("299").is_none());
        assert!(pictures.find("large").is_some());
    }
}
