//! A picture fetched a piece at a time, so that it is never whole in memory.

use std::collections::VecDeque;
use std::fmt;

use bytes::{Bytes, BytesMut};
use http::{Request, header};

use super::{Declared, Download, read};
use crate::body::Body;
use crate::build_error::BuildError;
use crate::endpoint::{Decode, Decoded, Endpoint};
use crate::error::DecodeError;
use crate::head::Head;
use crate::image::{DataUrl, GeneratedImage, MediaType};
use crate::limits::Limits;
use crate::replay::Replay;
use crate::target::Target;

/// A picture to be fetched in pieces: see [`Download::in_pieces`].
#[derive(Clone, Debug, PartialEq)]
pub struct DownloadPieces(Download);

/// What comes of a picture that is fetched in pieces.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// The picture begins, or begins anew: what came of it before no longer holds.
    Begin {
        /// What the response declares it to be.
        declared: Option<MediaType>,
    },
    /// The next bytes.
    Bytes(Bytes),
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { declared } => write!(f, "Begin({declared:?})"),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl Download {
    /// The same download, its picture in pieces as it comes. At the end there is a picture only
    /// where the host answered with the text of a data URL, whose pieces it then has.
    pub fn in_pieces(self) -> DownloadPieces {
        DownloadPieces(self)
    }
}

impl Endpoint for DownloadPieces {
    type Event = Piece;
    type Output = Option<GeneratedImage>;
    type Decoder = PiecesDecoder;

    fn replay(&self) -> Replay {
        Replay::Anew
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        self.0.request(target)
    }

    fn decoder(&self, head: &Head, _limits: &Limits) -> Result<PiecesDecoder, DecodeError> {
        let declared = Declared::of(head);
        let media_type = declared.media_type.clone();
        let decoder = PiecesDecoder {
            declared,
            limit: self.0.bounds.size,
            length: 0,
            form: Form::Unknown {
                text: BytesMut::new(),
                blank: 0,
            },
            pieces: VecDeque::from([Piece::Begin {
                declared: media_type,
            }]),
            is_unchecked: false,
        };
        let expected = head
            .header(header::CONTENT_LENGTH)
            .and_then(|length| length.trim().parse::<usize>().ok());
        match expected {
            Some(expected) if expected > decoder.limit => Err(decoder.too_large()),
            _ => Ok(decoder),
        }
    }
}

/// Hands on a body as it comes, within the download's bounds.
pub struct PiecesDecoder {
    declared: Declared,
    limit: usize,
    length: usize,
    form: Form,
    pieces: VecDeque<Piece>,
    /// Whether the next bytes are those of a body that ended before it was known what they are.
    is_unchecked: bool,
}

enum Form {
    /// What has come may be the beginning of a data URL; `blank` of its bytes are white space.
    Unknown {
        text: BytesMut,
        blank: usize,
    },
    Picture,
    DataUrl(BytesMut),
}

impl PiecesDecoder {
    fn too_large(&self) -> DecodeError {
        DecodeError::TooLarge {
            what: "reply",
            limit: self.limit,
        }
    }
}

impl Decode for PiecesDecoder {
    type Event = Piece;
    type Output = Option<GeneratedImage>;

    fn push(&mut self, chunk: Bytes) -> Result<(), DecodeError> {
        if chunk.len() > self.limit.saturating_sub(self.length) {
            return Err(self.too_large());
        }
        self.length += chunk.len();
        match &mut self.form {
            Form::Picture => self.pieces.push_back(Piece::Bytes(chunk)),
            Form::DataUrl(text) => text.extend_from_slice(&chunk),
            Form::Unknown { text, blank } => {
                let begun = if text.is_empty() {
                    chunk
                } else {
                    text.extend_from_slice(&chunk);
                    text.split().freeze()
                };
                let guess = guess(&begun, blank);
                // Under a coding that is not known, the first bytes have to show that they are plain.
                let is_short = self.declared.coding.is_some() && begun.len() < TELLING;
                match guess {
                    Guess::Open => *text = begun.into(),
                    Guess::Picture if is_short && MediaType::sniff(&begun).is_none() => {
                        *text = begun.into();
                    }
                    Guess::DataUrl => self.form = Form::DataUrl(begun.into()),
                    Guess::Picture => {
                        self.declared.check(&begun)?;
                        self.form = Form::Picture;
                        self.pieces.push_back(Piece::Bytes(begun));
                    }
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        if let Form::Unknown { text, .. } = &mut self.form {
            let text = text.split().freeze();
            self.form = Form::Picture;
            self.is_unchecked = true;
            self.pieces.push_back(Piece::Bytes(text));
        }
    }

    fn next(&mut self) -> Result<Decoded<Piece>, DecodeError> {
        Ok(match self.pieces.pop_front() {
            Some(Piece::Bytes(bytes)) if self.is_unchecked => {
                self.is_unchecked = false;
                self.declared.check(&bytes)?;
                Decoded::Event(Piece::Bytes(bytes))
            }
            Some(piece) => Decoded::Event(piece),
            None => Decoded::Starved,
        })
    }

    fn finish(&mut self) -> Result<Option<GeneratedImage>, DecodeError> {
        Ok(match &mut self.form {
            Form::DataUrl(text) => {
                Some(read(text.split().freeze(), self.declared.media_type.take()))
            }
            Form::Unknown { .. } | Form::Picture => None,
        })
    }

    fn partial(&mut self) -> Option<Option<GeneratedImage>> {
        None
    }
}

impl fmt::Debug for PiecesDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PiecesDecoder after {} bytes", self.length)
    }
}

/// How many bytes at the beginning of a body show whether it is an image.
const TELLING: usize = 4096;

/// What the beginning of a body may be.
enum Guess {
    Open,
    Picture,
    DataUrl,
}

/// What `begun` is the beginning of, of which `blank` bytes are known to be white space.
fn guess(begun: &[u8], blank: &mut usize) -> Guess {
    let rest = begun.get(*blank..).unwrap_or_default();
    let (text, is_text) = match std::str::from_utf8(rest) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
            let text = std::str::from_utf8(valid).unwrap_or_default();
            (text, error.error_len().is_none())
        }
    };
    let visible = text.trim_start();
    *blank += text.len() - visible.len();
    if DataUrl::is_data_url(visible) {
        return Guess::DataUrl;
    }
    let scheme = b"data:".get(..visible.len());
    if is_text && scheme.is_some_and(|it| it.eq_ignore_ascii_case(visible.as_bytes())) {
        Guess::Open
    } else {
        Guess::Picture
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use proptest::prelude::*;

    use super::*;
    use crate::call::{Call, Settings, Step};
    use crate::download::DownloadBounds;
    use crate::fault::{Fault, FaultKind};
    use crate::target::ApiKey;
    use crate::timing::Moment;

    fn download() -> DownloadPieces {
        let bounds = DownloadBounds {
            size: 100,
            ..DownloadBounds::default()
        };
        Download::new("https://cdn.test/1", bounds)
            .unwrap()
            .in_pieces()
    }

    fn head(headers: &[(&str, &str)]) -> Head {
        let mut response = Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Head::from(&response.body(()).unwrap().into_parts().0)
    }

    /// What comes of a body whole and in pieces of `size`: the picture's bytes.
    fn fetched(body: &[u8], size: usize) -> Vec<u8> {
        let mut decoder = download().decoder(&head(&[]), &Limits::default()).unwrap();
        let mut bytes = Vec::new();
        let mut take = |decoder: &mut PiecesDecoder| {
            while let Decoded::Event(piece) = decoder.next().unwrap() {
                if let Piece::Bytes(piece) = piece {
                    bytes.extend_from_slice(&piece);
                }
            }
        };
        for chunk in body.chunks(size) {
            decoder.push(Bytes::copy_from_slice(chunk)).unwrap();
            take(&mut decoder);
        }
        decoder.end();
        take(&mut decoder);
        match decoder.finish().unwrap() {
            Some(image) => image
                .bytes()
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default(),
            None => bytes,
        }
    }

    proptest! {
        #[test]
        fn the_same_bytes_come_as_of_the_whole(
            body in prop_oneof![
                "[ \n\u{a0}\u{3000}]{0,3}(data|DATA|dat|)(:|)(;base64|),?[A-Za-z]{0,8}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..60),
                ("[ \n\u{a0}]{0,3}(data:;base64,AAEC|dat)", any::<u8>())
                    .prop_map(|(text, byte)| [text.as_bytes(), &[byte]].concat()),
            ],
            size in 1_usize..20,
        ) {
            let whole = read(Bytes::copy_from_slice(&body), None);
            let expected = whole.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default();
            prop_assert_eq!(fetched(&body, size), expected);
        }
    }

    #[test]
    fn a_picture_beyond_the_bounds_is_none() {
        let too_large = DecodeError::TooLarge {
            what: "reply",
            limit: 100,
        };
        let announced = head(&[("content-length", "101")]);
        let refused = download().decoder(&announced, &Limits::default());
        assert_eq!(refused.unwrap_err(), too_large);
        let mut decoder = download().decoder(&head(&[]), &Limits::default()).unwrap();
        decoder.push(vec![1; 60].into()).unwrap();
        assert_eq!(decoder.push(vec![1; 41].into()), Err(too_large));
    }

    #[test]
    fn a_picture_that_is_cut_short_begins_anew() {
        let target = Target::production(ApiKey::new("rsk_01").unwrap());
        let settings = Settings::default();
        let mut call = Call::new(download(), &target, &settings, Moment::ORIGIN, 7).unwrap();
        let (mut now, mut pieces, mut bodies) = (Moment::ORIGIN, Vec::new(), vec!["whole", "par"]);
        let mut body = None;
        let result = loop {
            match call.poll(now) {
                Step::Send(outgoing) => {
                    body = bodies.pop();
                    outgoing.head(Response::new(()).into_parts().0);
                }
                Step::Receive(incoming) => match body.take() {
                    Some(body) => incoming.data(body.as_bytes()),
                    None if bodies.is_empty() => incoming.end(),
                    None => incoming.fault(Fault::new(FaultKind::Lost)),
                },
                Step::Wait(until) => now = until,
                Step::Event(piece) => pieces.push(piece),
                Step::Done(result) => break result,
            }
        };
        assert!(result.unwrap().value.is_none());
        let (begin, bytes) = (Piece::Begin { declared: None }, Piece::Bytes);
        assert_eq!(
            pieces,
            [
                begin.clone(),
                bytes("par".into()),
                begin,
                bytes("whole".into())
            ]
        );
    }
}
