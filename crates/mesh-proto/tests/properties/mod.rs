//! What holds whatever comes: each property takes bytes, makes its input of them, and panics where
//! it does not hold. The fuzz targets in `fuzz/` and the tests in `properties.rs` check the same
//! ones.

#![allow(unreachable_pub, reason = "the fuzz targets are another crate")]

mod addresses;
mod base64;
mod body_reader;
mod call_machine;
mod chat_reply;
mod chat_stream;
mod data_url;
mod error_body;
mod find_in_document;
mod image_reply;
mod image_stream;
mod media_type;
mod model_list;
mod multipart;
mod redirects;
mod sse;

use bytes::Bytes;
use mesh_proto::call::Limits;
use mesh_proto::endpoint::{Decode, Decoded, Endpoint};
use mesh_proto::error::DecodeError;
use mesh_proto::image::{GeneratedImage, Opening, PictureError};
use mesh_proto::{ApiKey, Head, Target};

/// Panics where the property does not hold for what these bytes make.
pub type Property = fn(&[u8]);

/// Every property, by the name of its fuzz target and of its directory of seeds.
pub const PROPERTIES: &[(&str, Property)] = &[
    ("addresses", addresses::hold),
    ("base64", base64::hold),
    ("body_reader", body_reader::hold),
    ("call_machine", call_machine::hold),
    ("chat_reply", chat_reply::hold),
    ("chat_stream", chat_stream::hold),
    ("data_url", data_url::hold),
    ("error_body", error_body::hold),
    ("find_in_document", find_in_document::hold),
    ("image_reply", image_reply::hold),
    ("image_stream", image_stream::hold),
    ("media_type", media_type::hold),
    ("model_list", model_list::hold),
    ("multipart", multipart::hold),
    ("redirects", redirects::hold),
    ("sse", sse::hold),
];

/// Checks the property of a fuzz target.
pub fn hold(target: &str, data: &[u8]) {
    let (_, property) = PROPERTIES
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a property of this name");
    property(data);
}

const KEY: &str = "rsk_01CANARYCANARYCANARYCANARY";

fn target() -> Target {
    Target::production(ApiKey::new(KEY).unwrap())
}

fn head(status: u16, headers: &[(&str, &str)]) -> Head {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Head::from(&builder.body(()).unwrap().into_parts().0)
}

/// Numbers that follow from the input alone (SplitMix64, seeded by FNV-1a), so that an input stays
/// readable and still decides everything.
struct Dice(u64);

impl Dice {
    fn of(data: &[u8]) -> Self {
        Self(data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// The ways in which a body may come: byte by byte, and in pieces small and large.
fn cuts(data: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut dice = Dice::of(data);
    let mut ways = vec![data.chunks(1).collect::<Vec<_>>()];
    for longest in [4, 40, data.len().max(1)] {
        let mut rest = data;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(dice.below(longest + 1).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        ways.push(pieces);
    }
    ways
}

/// What came of a body: the events, the reply, and what there is of it after a failure.
type Read<E> = (
    Vec<<E as Endpoint>::Event>,
    Result<<E as Endpoint>::Output, DecodeError>,
    Option<<E as Endpoint>::Output>,
);

/// Reads a body as a call does.
fn read<E: Endpoint>(endpoint: &E, head: &Head, pieces: &[&[u8]]) -> Read<E> {
    let mut decoder = match endpoint.decoder(head, &Limits::default()) {
        Ok(decoder) => decoder,
        Err(error) => return (Vec::new(), Err(error), None),
    };
    let mut events = Vec::new();
    let result = (|| {
        for piece in pieces {
            decoder.push(Bytes::copy_from_slice(piece))?;
            loop {
                match decoder.next()? {
                    Decoded::Event(event) => events.push(event),
                    Decoded::Starved => break,
                    Decoded::Complete => return decoder.finish(),
                }
            }
        }
        decoder.end();
        while let Decoded::Event(event) = decoder.next()? {
            events.push(event);
        }
        decoder.finish()
    })();
    let partial = decoder.partial();
    (events, result, partial)
}

/// Reads a body whole, after it has been seen that pieces make no difference.
fn read_in_any_pieces<E>(endpoint: &E, head: &Head, body: &[u8]) -> Read<E>
where
    E: Endpoint,
    E::Event: PartialEq + std::fmt::Debug,
    E::Output: PartialEq + std::fmt::Debug,
{
    let whole = read(endpoint, head, &[body]);
    for pieces in cuts(body) {
        let cut = read(endpoint, head, &pieces);
        assert_eq!(
            cut,
            whole,
            "{:?} in {pieces:?}",
            String::from_utf8_lossy(body)
        );
    }
    if let Err(error) = &whole.1 {
        shows_no_base64(&error.to_string());
        shows_no_base64(&format!("{error:?}"));
    }
    whole
}

/// No run of characters is so long that it may be a picture or a key.
fn shows_no_base64(shown: &str) {
    let is_base64 =
        |character: char| character.is_ascii_alphanumeric() || "+/-_=".contains(character);
    let longest = shown
        .split(|character| !is_base64(character))
        .map(str::len)
        .max();
    assert!(longest < Some(48), "{shown}");
}

/// The bytes of a picture read into buffers of any size, and what a saver takes it for.
fn read_in_pieces(image: &GeneratedImage) -> Result<Bytes, PictureError> {
    // Its bytes are not decoded for it.
    let image = &image.clone();
    let mut reader = image.reader()?;
    let (mut bytes, mut opening) = (Vec::new(), Opening::new(image.declared().cloned()));
    let mut dice = Dice::of(format!("{image:?}").as_bytes());
    loop {
        let longest = [2, 7, 100_000][dice.below(3)];
        let mut piece = vec![0xaa; 1 + dice.below(longest)];
        let count = match reader.read(&mut piece) {
            Ok(count) => count,
            Err(error) => {
                assert_eq!(reader.read(&mut piece), Err(error.clone()));
                return Err(error);
            }
        };
        assert!(piece[count..].iter().all(|byte| *byte == 0xaa));
        bytes.extend_from_slice(&piece[..count]);
        opening.take(&piece[..count]);
        if count < piece.len() {
            assert_eq!(reader.read(&mut piece), Ok(0));
            assert_eq!(opening.length(), bytes.len() as u64);
            assert_eq!(opening.media_type(), image.media_type());
            return Ok(bytes.into());
        }
    }
}

/// Everything that can be asked of pictures.
fn look_at(images: &[GeneratedImage]) {
    for image in images {
        shows_no_base64(&format!("{image:?}"));
        let in_pieces = read_in_pieces(image);
        let media_type = image.media_type();
        assert_eq!(image.bytes().cloned(), in_pieces);
        assert_eq!(read_in_pieces(image), in_pieces);
        match image.bytes() {
            Ok(bytes) => assert!(!bytes.is_empty()),
            Err(error) => {
                assert_eq!(media_type.as_ref(), Err(&error));
                shows_no_base64(&error.to_string());
                shows_no_base64(&format!("{error:?}"));
            }
        }
        let _ = (
            image.dimensions(),
            image.remote_url(),
            image.revised_prompt(),
        );
    }
}

/// Where a picture is, its bytes, and the prompt that it was drawn by.
type Told<'i> = (Option<&'i str>, Option<&'i [u8]>, Option<&'i str>);

/// What pictures are, to be compared.
fn told(images: &[GeneratedImage]) -> Vec<Told<'_>> {
    images
        .iter()
        .map(|image| {
            let bytes = image.bytes().ok().map(|bytes| &bytes[..]);
            (image.remote_url(), bytes, image.revised_prompt())
        })
        .collect()
}
