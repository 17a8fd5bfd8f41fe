//! Base64 is what the plain engine of the base64 crate says, though it is done by a faster one and
//! into buffers of any size.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use bytes::Bytes;
use mesh_proto::body::{Body, Segment};
use mesh_proto::image::{DataUrl, GeneratedImage};

use super::{Dice, look_at};

pub(super) fn hold(data: &[u8]) {
    let encoded = STANDARD.encode(data);
    let body = Body::new([Segment::Base64(Bytes::copy_from_slice(data))]);
    assert_eq!(body.len(), encoded.len() as u64);
    let mut dice = Dice::of(data);
    let (mut reader, mut read) = (body.reader(), Vec::new());
    while reader.remaining() > 0 {
        let mut out = vec![0xaa; 1 + dice.below(50)];
        let count = reader.read(&mut out);
        assert!(count > 0);
        read.extend_from_slice(&out[..count]);
        assert!(out[count..].iter().all(|byte| *byte == 0xaa));
    }
    assert_eq!(String::from_utf8(read).unwrap(), encoded);
    if !data.is_empty() {
        assert_eq!(GeneratedImage::from_base64(encoded).bytes().unwrap(), data);
    }

    if let Ok(text) = std::str::from_utf8(data)
        && !DataUrl::is_data_url(text)
    {
        let image = GeneratedImage::from_base64(text);
        look_at(std::slice::from_ref(&image));
        let expected = decoded(data).filter(|bytes| !bytes.is_empty());
        assert_eq!(image.bytes().ok().map(|bytes| bytes.to_vec()), expected);
    }
}

/// The bytes behind base64 in any alphabet, padded or not, with or without white space.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let config = NO_PAD.with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let plain = GeneralPurpose::new(&alphabet::STANDARD, config);
    let text: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let text = text.strip_suffix(b"=").unwrap_or(&text);
    plain.decode(text.strip_suffix(b"=").unwrap_or(text)).ok()
}
