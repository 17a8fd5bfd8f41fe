//! Pictures turned upright and fitted, by their pixels.

#![cfg(feature = "fit")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails, and makes small pictures"
)]

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{
    ColorType, DynamicImage, Frame, ImageDecoder, ImageEncoder, ImageReader, Rgba, RgbaImage,
};
use mesh_proto::image::{Detail, Dimensions, FitError, Image, ImageError, MediaType};
use proptest::prelude::*;

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];

/// Red and green above, blue and white below.
fn quarters(width: u32, height: u32) -> DynamicImage {
    let picture = image::RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    });
    DynamicImage::ImageRgb8(picture)
}

fn exif(orientation: u16) -> Vec<u8> {
    let [high, low] = orientation.to_be_bytes();
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend([high, low, 0, 0, 0, 0, 0, 0]);
    exif
}

fn encoded(
    picture: &DynamicImage,
    mut encoder: impl ImageEncoder,
    orientation: u16,
    profile: &[u8],
) {
    if orientation != 0 {
        encoder.set_exif_metadata(exif(orientation)).unwrap();
    }
    if !profile.is_empty() {
        encoder.set_icc_profile(profile.to_vec()).unwrap();
    }
    picture.write_with_encoder(encoder).unwrap();
}

fn file(format: &MediaType, picture: &DynamicImage, orientation: u16, profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match format.name() {
        "PNG" => encoded(picture, PngEncoder::new(&mut bytes), orientation, profile),
        "JPEG" => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
            encoded(picture, encoder, orientation, profile);
        }
        "WebP" => encoded(
            picture,
            WebPEncoder::new_lossless(&mut bytes),
            orientation,
            profile,
        ),
        other => panic!("{other}"),
    }
    bytes
}

fn open(bytes: Vec<u8>) -> Image {
    Image::from_bytes(bytes).unwrap()
}

fn decode(image: &Image) -> DynamicImage {
    image::load_from_memory(image.bytes().unwrap()).unwrap()
}

/// The colours at the four corners, in reading order, as far as a lossy format keeps them.
fn corners(picture: &DynamicImage) -> [[u8; 3]; 4] {
    let picture = picture.to_rgb8();
    let (right, below) = (picture.width() - 1, picture.height() - 1);
    [(0, 0), (right, 0), (0, below), (right, below)].map(|(x, y)| {
        picture
            .get_pixel(x, y)
            .0
            .map(|part| if part < 128 { 0 } else { 255 })
    })
}

/// A file with an XMP packet, and no EXIF data, where its format has it.
fn with_xmp(format: &MediaType, orientation: u16) -> Vec<u8> {
    let packet = format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF \
         xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description \
         xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='{orientation}'/></rdf:RDF>\
         </x:xmpmeta>"
    );
    let mut bytes = file(format, &quarters(32, 16), 0, &[]);
    match format.name() {
        "JPEG" => {
            let data = format!("http://ns.adobe.com/xap/1.0/\0{packet}");
            let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
            bytes.splice(2..2, [b"\xff\xe1", &length[..], data.as_bytes()].concat());
        }
        "PNG" => {
            let data = format!("iTXtXML:com.adobe.xmp\0\0\0\0\0{packet}");
            let length = u32::try_from(data.len() - 4).unwrap().to_be_bytes();
            let sum = crc(data.as_bytes()).to_be_bytes();
            bytes.splice(33..33, [&length, data.as_bytes(), &sum].concat());
        }
        "WebP" => {
            // The extended form: its header announces the XMP chunk.
            let mut extended = b"VP8X\x0a\0\0\0\x04\0\0\0\x1f\0\0\x0f\0\0".to_vec();
            extended.extend(&bytes[12..]);
            extended.extend(b"XMP ");
            extended.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
            extended.extend(packet.as_bytes());
            extended.resize(extended.len() + packet.len() % 2, 0);
            let size = u32::try_from(extended.len() + 4).unwrap().to_le_bytes();
            bytes = [b"RIFF", &size[..], b"WEBP", &extended].concat();
        }
        other => panic!("{other}"),
    }
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[test]
fn orientation_that_stands_in_xmp_alone_is_turned_upright() {
    for format in [MediaType::PNG, MediaType::JPEG, MediaType::WEBP] {
        for (orientation, expected) in [
            (1, [RED, GREEN, BLUE, WHITE]),
            (3, [WHITE, BLUE, GREEN, RED]),
            (6, [BLUE, RED, WHITE, GREEN]),
        ] {
            let stored = open(with_xmp(&format, orientation));
            let upright = stored.upright().unwrap();
            assert_eq!(
                corners(&decode(&upright)),
                expected,
                "{orientation}, {format}"
            );
            assert_eq!(orientation == 1, upright.bytes() == stored.bytes());
        }
    }
}

#[test]
fn every_orientation_of_every_format_is_turned_upright() {
    // By EXIF's own words: which sides row 0 and column 0 are on.
    for (orientation, expected) in [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ] {
        for format in [MediaType::PNG, MediaType::JPEG, MediaType::WEBP] {
            let stored = open(file(&format, &quarters(32, 16), orientation, &[]));
            let upright = stored.upright().unwrap();
            assert_eq!(upright.media_type(), Some(format.clone()));
            assert_eq!(
                corners(&decode(&upright)),
                expected,
                "{orientation}, {format}"
            );
            let (width, height) = if orientation < 5 { (32, 16) } else { (16, 32) };
            assert_eq!(upright.dimensions(), Some(Dimensions { width, height }));
            assert_eq!(upright.upright().unwrap(), upright, "once is enough");
            if orientation == 1 {
                assert_eq!(upright.bytes(), stored.bytes());
            }

            let small = stored.fit(8).unwrap();
            assert_eq!(
                corners(&decode(&small)),
                expected,
                "{orientation}, {format}, small"
            );
            let (width, height) = if orientation < 5 { (8, 4) } else { (4, 8) };
            assert_eq!(small.dimensions(), Some(Dimensions { width, height }));
        }
    }
}

#[test]
fn an_orientation_that_is_none_turns_nothing() {
    for orientation in [9, 256, 65535] {
        let stored = open(file(&MediaType::JPEG, &quarters(16, 8), orientation, &[]));
        assert_eq!(stored.upright().unwrap().bytes(), stored.bytes());
    }
}

#[test]
fn an_orientation_behind_the_mark_that_jpegs_have_is_found_in_other_formats() {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    let marked = [&b"Exif\0\0"[..], &exif(6)].concat();
    encoder.set_exif_metadata(marked).unwrap();
    quarters(32, 16).write_with_encoder(encoder).unwrap();
    let upright = decode(&open(bytes).upright().unwrap());
    assert_eq!(corners(&upright), [BLUE, RED, WHITE, GREEN]);
}

#[test]
fn what_fits_keeps_its_bytes_and_what_does_not_its_shape() {
    let photo =
        open(include_bytes!("../../../examples/photos/rocket.jpg").to_vec()).detail(Detail::Low);
    for side in [640, 641, u32::MAX] {
        assert_eq!(photo.fit(side).unwrap().bytes(), photo.bytes());
    }
    let small = photo.fit(100).unwrap();
    assert_eq!(
        small.dimensions(),
        Some(Dimensions {
            width: 100,
            height: 67
        })
    );
    assert!(small.bytes().unwrap().len() < photo.bytes().unwrap().len() / 4);
    assert_eq!(
        small,
        Image::from_bytes(small.bytes().unwrap().clone())
            .unwrap()
            .detail(Detail::Low)
    );

    let line = open(file(&MediaType::PNG, &quarters(1000, 2), 0, &[]));
    for (side, width) in [(10, 10), (1, 1), (0, 1)] {
        assert_eq!(
            line.fit(side).unwrap().dimensions(),
            Some(Dimensions { width, height: 1 })
        );
    }
}

#[test]
fn a_data_url_is_fitted_like_the_file_in_it() {
    let stored = open(file(&MediaType::PNG, &quarters(32, 16), 0, &[]));
    let url: Image = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
    assert_eq!(url.fit(32).unwrap(), url);
    assert_eq!(url.fit(8).unwrap(), stored.fit(8).unwrap());
}

#[test]
fn depth_grey_and_transparency_are_kept() {
    let base = quarters(16, 16);
    for (picture, expected) in [
        (DynamicImage::ImageLuma8(base.to_luma8()), ColorType::L8),
        (
            DynamicImage::ImageLumaA8(base.to_luma_alpha8()),
            ColorType::La8,
        ),
        (DynamicImage::ImageRgba8(base.to_rgba8()), ColorType::Rgba8),
        (DynamicImage::ImageLuma16(base.to_luma16()), ColorType::L16),
        (
            DynamicImage::ImageLumaA16(base.to_luma_alpha16()),
            ColorType::La16,
        ),
        (DynamicImage::ImageRgb16(base.to_rgb16()), ColorType::Rgb16),
        (
            DynamicImage::ImageRgba16(base.to_rgba16()),
            ColorType::Rgba16,
        ),
    ] {
        let small = decode(
            &open(file(&MediaType::PNG, &picture, 6, &[]))
                .fit(4)
                .unwrap(),
        );
        assert_eq!(small.color(), expected);
        // Blue, red, white and green, as bright as they are.
        let small = small.to_luma8();
        for ((x, y), expected) in [((0, 0), 18), ((3, 0), 54), ((0, 3), 255), ((3, 3), 182)] {
            let luma = small.get_pixel(x, y).0[0];
            assert!(luma.abs_diff(expected) < 30, "{luma} for {expected}");
        }
    }
    let grey = DynamicImage::ImageLuma8(base.to_luma8());
    let small = open(file(&MediaType::JPEG, &grey, 0, &[])).fit(8).unwrap();
    assert_eq!(decode(&small).color(), ColorType::L8);
}

/// A JPEG of four inks, 8 by 8 pixels, each half on.
fn four_inks() -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0".to_vec();
    bytes.extend(b"\xff\xdb\0\x43\0");
    bytes.extend([1; 64]);
    bytes.extend(b"\xff\xc0\0\x14\x08\0\x08\0\x08\x04\x01\x11\0\x02\x11\0\x03\x11\0\x04\x11\0");
    for class in [0x00, 0x10] {
        bytes.extend([0xff, 0xc4, 0, 20, class, 1]);
        bytes.extend([0; 16]);
    }
    bytes.extend(b"\xff\xda\0\x0e\x04\x01\0\x02\0\x03\0\x04\0\0\x3f\0\0\xff\xd9");
    bytes
}

#[test]
fn four_inks_become_three_colours() {
    let small = open(four_inks()).fit(4).unwrap();
    assert_eq!(small.media_type(), Some(MediaType::JPEG));
    let small = decode(&small);
    assert_eq!((small.width(), small.color()), (4, ColorType::Rgb8));
    assert!(
        small
            .to_rgb8()
            .get_pixel(0, 0)
            .0
            .iter()
            .all(|part| (40..100).contains(part))
    );
}

#[test]
fn the_colour_of_what_is_transparent_does_not_bleed() {
    let picture = RgbaImage::from_fn(64, 64, |x, _| {
        if x < 31 {
            Rgba([0, 255, 0, 0])
        } else {
            Rgba([255, 0, 0, 255])
        }
    });
    for format in [MediaType::PNG, MediaType::WEBP] {
        let stored = open(file(
            &format,
            &DynamicImage::ImageRgba8(picture.clone()),
            0,
            &[],
        ));
        let small = decode(&stored.fit(8).unwrap()).to_rgba8();
        assert!(
            small.pixels().any(|pixel| pixel.0[3] == 0)
                && small.pixels().any(|pixel| pixel.0[3] == 255)
        );
        for Rgba([red, green, _, alpha]) in small.pixels() {
            assert!(
                *alpha < 8 || (*red > 250 && *green < 5),
                "{red} {green} {alpha}"
            );
        }
    }
}

#[test]
fn a_colour_profile_goes_along_where_it_is_one_of_these_colours() {
    let profile = |space: &[u8; 4]| [&[0; 16][..], space, &[0; 108]].concat();
    for (space, kept) in [(b"RGB ", true), (b"CMYK", false), (b"GRAY", false)] {
        let profile = profile(space);
        let small = open(file(&MediaType::JPEG, &quarters(32, 16), 0, &profile))
            .fit(8)
            .unwrap();
        let reader = ImageReader::new(std::io::Cursor::new(small.bytes().unwrap().clone()));
        let mut decoder = reader
            .with_guessed_format()
            .unwrap()
            .into_decoder()
            .unwrap();
        assert_eq!(decoder.icc_profile().unwrap().is_some(), kept);
    }
}

fn gif(frames: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for frame in 0..frames {
        let colour = if frame == 0 {
            [255, 0, 0, 255]
        } else {
            [0, 0, 255, 255]
        };
        encoder
            .encode_frame(Frame::new(RgbaImage::from_pixel(16, 8, Rgba(colour))))
            .unwrap();
    }
    drop(encoder);
    bytes
}

#[test]
fn what_moves_is_left_alone_or_refused_by_name() {
    let still = open(gif(1));
    assert_eq!(still.fit(16).unwrap().bytes(), still.bytes());
    let small = still.fit(8).unwrap();
    assert_eq!(small.media_type(), Some(MediaType::PNG));
    assert_eq!(corners(&decode(&small)), [RED; 4]);

    let moving = open(gif(2));
    assert_eq!(moving.fit(16).unwrap().bytes(), moving.bytes());
    assert_eq!(moving.fit(8), Err(FitError::Animated(MediaType::GIF)));
    assert!(
        moving
            .fit(8)
            .unwrap_err()
            .to_string()
            .contains("GIF is animated")
    );
}

/// A PNG whose header states a size, and whose data is a few bytes.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = file(&MediaType::PNG, &quarters(2, 2), 0, &[]);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

#[test]
fn a_picture_that_is_too_large_or_broken_or_elsewhere_is_a_typed_error() {
    let size = Dimensions {
        width: 60_000,
        height: 60_000,
    };
    let error = open(bomb(size.width, size.height)).fit(1024).unwrap_err();
    assert_eq!(error, FitError::TooLarge(size));
    assert!(
        error.to_string().contains("60000 × 60000 pixels"),
        "{error}"
    );

    for bytes in [
        bomb(5000, 5000),
        b"\xff\xd8\xff\xd9".to_vec(),
        b"GIF89a\x01\0\x01\0\0\0\0\x3b".to_vec(),
        b"RIFF\x0c\0\0\0WEBPVP8 \0\0\0\0".to_vec(),
    ] {
        let error = open(bytes).fit(16).unwrap_err();
        assert!(matches!(error, FitError::Broken { .. }), "{error:?}");
    }
    let remote = Image::from_url("https://example.com/a.png").unwrap();
    assert_eq!(remote.fit(16), Err(FitError::Remote));
    let heic = Image::from_bytes_of_any_type(&b"\0\0\0\x18ftypheic\0\0\0\0heic"[..]).unwrap();
    assert_eq!(heic.fit(16), Err(FitError::Format(MediaType::HEIC)));
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_whether_or_not_it_has_to_change() {
    let picture = quarters(40, 24);
    let photo = include_bytes!("../../../examples/photos/rocket.jpg").to_vec();
    for whole in [
        file(&MediaType::PNG, &picture, 6, &[]),
        file(&MediaType::JPEG, &picture, 6, &[]),
        file(&MediaType::WEBP, &picture, 6, &[]),
        gif(1),
        gif(3),
        photo,
    ] {
        let format = MediaType::sniff(&whole).unwrap();
        let with_more = [&whole[..], b"more"].concat();
        assert!(open(whole.clone()).fit(4096).is_ok(), "{format}");
        assert!(open(with_more).fit(4096).is_ok(), "{format}");
        let step = (whole.len() / 500).max(1);
        for end in (1..whole.len()).rev().step_by(step) {
            // What is cut within its magic bytes is no image.
            let Ok(cut) = Image::from_bytes(whole[..end].to_vec()) else {
                assert!(end < 16, "{format}, {end}");
                continue;
            };
            for side in [8, 4096] {
                let error = cut.fit(side).unwrap_err();
                assert_eq!(error, FitError::CutShort(format.clone()), "{end}");
                assert!(error.to_string().contains("cut short"), "{error}");
            }
        }
    }
}

#[test]
fn a_png_of_xcodes_is_refused_by_name() {
    let mut bytes = file(&MediaType::PNG, &quarters(8, 8), 0, &[]);
    bytes.splice(8..8, *b"\0\0\0\x04CgBI\x50\0\x20\x06\x2b\xd5\xb3\x33");
    let error = Image::from_bytes(bytes.clone()).unwrap_err();
    assert_eq!(error, ImageError::XcodePng);
    assert!(error.to_string().starts_with("Xcode's PNG"), "{error}");
    let image = Image::from_bytes_of_any_type(bytes).unwrap();
    assert_eq!(image.dimensions(), None);
    assert_eq!(image.fit(4), Err(FitError::Image(ImageError::XcodePng)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_file_with_broken_bytes_does_not_panic(
        format in prop::sample::select(vec![MediaType::PNG, MediaType::JPEG, MediaType::WEBP, MediaType::GIF]),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: prop::sample::Index,
    ) {
        let mut bytes = if format == MediaType::GIF { gif(2) } else { file(&format, &quarters(32, 16), 6, &[]) };
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(cut.index(bytes.len() * 2));
        if let Ok(image) = Image::from_bytes(bytes) {
            let _ = image.fit(8);
        }
    }
}
