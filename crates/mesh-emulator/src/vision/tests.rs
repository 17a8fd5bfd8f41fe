use std::io::Cursor;

use image::{DynamicImage, GenericImageView, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

const ROCKET: &[u8] = include_bytes!("../../../../examples/photos/rocket.jpg");
const CHELSEA: &[u8] = include_bytes!("../../../../examples/photos/chelsea.png");
const COFFEE: &[u8] = include_bytes!("../../../../examples/photos/coffee.png");
const PHOTOS: [&[u8]; 3] = [ROCKET, CHELSEA, COFFEE];

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn seen(picture: &DynamicImage) -> Sight {
    look(&file(picture, ImageFormat::Png)).unwrap()
}

fn photos() -> impl Iterator<Item = DynamicImage> {
    PHOTOS
        .iter()
        .map(|bytes| image::load_from_memory(bytes).unwrap().thumbnail(200, 200))
}

fn share(sight: &Sight, hue: &str) -> f32 {
    let same = sight
        .colours
        .iter()
        .filter(|c| c.colour.rsplit(' ').next() == Some(hue));
    same.map(|c| c.share).sum()
}

fn flat(rgb: [u8; 3]) -> DynamicImage {
    DynamicImage::ImageRgb8(RgbImage::from_pixel(20, 20, Rgb(rgb)))
}

fn each_format() -> Vec<(Format, Vec<u8>)> {
    let picture = DynamicImage::ImageRgb8(
        image::load_from_memory(COFFEE)
            .unwrap()
            .thumbnail(40, 40)
            .to_rgb8(),
    );
    vec![
        (Format::Png, file(&picture, ImageFormat::Png)),
        (Format::Jpeg, file(&picture, ImageFormat::Jpeg)),
        (
            Format::Gif,
            file(
                &DynamicImage::ImageRgba8(picture.to_rgba8()),
                ImageFormat::Gif,
            ),
        ),
        (Format::Webp, file(&picture, ImageFormat::WebP)),
    ]
}

#[test]
fn the_photographs_are_described() {
    let rocket = look(ROCKET).unwrap();
    assert_eq!(
        (rocket.format, rocket.width, rocket.height),
        (Format::Jpeg, 640, 427)
    );
    assert!(rocket.night_like && rocket.brightness < 0.3 && share(&rocket, "blue") > 0.4);
    let chelsea = look(CHELSEA).unwrap();
    assert!(share(&chelsea, "brown") > 0.5 && !chelsea.night_like);
    let coffee = look(COFFEE).unwrap();
    assert!(coffee.warmth > 0.25);
    for bytes in PHOTOS {
        let text = look(bytes).unwrap().describe("What is in this image?");
        let words = text.split_whitespace().count();
        assert!((60..=115).contains(&words), "{words} words: {text}");
        assert!(text.contains("names no objects"));
    }
}

#[test]
fn darkening_lowers_the_brightness_that_is_told() {
    for picture in photos() {
        let mut dark = picture.to_rgb8();
        for value in dark.iter_mut() {
            *value /= 3;
        }
        let (before, after) = (seen(&picture), seen(&DynamicImage::ImageRgb8(dark)));
        assert!(after.brightness < before.brightness * 0.5);
        let ask = "How bright is it?";
        let (before, after) = (before.describe(ask), after.describe(ask));
        assert_ne!(before, after);
        assert!(
            after.starts_with("It is dark") || after.starts_with("It is very dark"),
            "{after}"
        );
    }
}

#[test]
fn recolouring_changes_the_colours_that_are_told() {
    for picture in photos() {
        let mut swapped = picture.to_rgb8();
        for pixel in swapped.pixels_mut() {
            pixel.0.swap(0, 2);
        }
        let (before, after) = (seen(&picture), seen(&DynamicImage::ImageRgb8(swapped)));
        assert_ne!(before.colours[0].colour, after.colours[0].colour);
        assert!((before.warmth + after.warmth).abs() < 0.02);
        let gray = seen(&DynamicImage::ImageRgb8(picture.grayscale().to_rgb8()));
        assert!(gray.grayscale && gray.describe("").contains("no colour"));
    }
}

#[test]
fn cropping_changes_the_size_and_the_light() {
    for picture in photos() {
        let (width, height) = picture.dimensions();
        let part = picture.crop_imm(0, 0, width / 2, height / 2);
        let (before, after) = (seen(&picture), seen(&part));
        assert_eq!(after.width, width / 2);
        assert_ne!(before.describe(""), after.describe(""));
        assert_ne!(before.colours, after.colours);
    }
}

#[test]
fn turning_and_mirroring_move_the_light() {
    let turned = |name: &str| match name {
        "top left" => "top right",
        "top" => "right",
        "top right" => "bottom right",
        "right" => "bottom",
        "bottom right" => "bottom left",
        "bottom" => "left",
        "bottom left" => "top left",
        "left" => "top",
        _ => "centre",
    };
    for picture in photos() {
        let picture = DynamicImage::ImageRgb8(picture.to_rgb8());
        let before = seen(&picture);
        let after = seen(&picture.rotate90());
        assert_eq!((after.width, after.height), (before.height, before.width));
        assert_eq!(
            turned(before.lighting.brightest.name),
            after.lighting.brightest.name
        );
        assert_eq!(
            turned(before.lighting.darkest.name),
            after.lighting.darkest.name
        );
        assert!(before.describe("").contains("landscape"));
        assert!(after.describe("").contains("portrait"));

        let mirrored = seen(&picture.fliph());
        assert!((mirrored.lighting.left - before.lighting.right).abs() < 0.01);
        assert_ne!(before.describe(""), mirrored.describe(""));
    }
}

#[test]
fn blurring_lowers_the_sharpness() {
    for picture in photos() {
        let before = seen(&picture).sharpness.unwrap();
        let after = seen(&picture.blur(2.5)).sharpness.unwrap();
        assert!(after < before * 0.6, "{before} {after}");
    }
}

#[test]
fn every_colour_type_is_seen() {
    let picture = image::load_from_memory(CHELSEA).unwrap().thumbnail(30, 30);
    let all = [
        DynamicImage::ImageLuma8(picture.to_luma8()),
        DynamicImage::ImageLumaA8(picture.to_luma_alpha8()),
        DynamicImage::ImageLuma16(picture.to_luma16()),
        DynamicImage::ImageLumaA16(picture.to_luma_alpha16()),
        DynamicImage::ImageRgb16(picture.to_rgb16()),
        DynamicImage::ImageRgba16(picture.to_rgba16()),
        DynamicImage::ImageRgba8(picture.to_rgba8()),
    ];
    let brightness = seen(&picture).brightness;
    for picture in &all {
        let sight = seen(picture);
        assert!(
            (sight.brightness - brightness).abs() < 0.03,
            "{:?}",
            picture.color()
        );
    }
    for (format, bytes) in each_format() {
        let sight = look(&bytes).unwrap();
        assert_eq!(sight.format, format);
        assert!(
            sight
                .describe("which format?")
                .contains(&format.to_string())
        );
    }
}

#[test]
fn small_and_thin_pictures_are_seen() {
    for (width, height) in [(1, 1), (1, 2), (3, 1), (1, 5000), (9000, 2), (16, 16)] {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 90])
        });
        let sight = seen(&DynamicImage::ImageRgb8(picture));
        assert_eq!((sight.width, sight.height), (width, height));
        for question in ["", "what is this", "sharp?", "where", "colour", "red?"] {
            assert!(!sight.describe(question).is_empty());
        }
    }
}

#[test]
fn transparency_is_told() {
    let half = RgbaImage::from_fn(40, 40, |x, _| {
        Rgba([255, 0, 0, if x < 20 { 0 } else { 255 }])
    });
    let sight = seen(&DynamicImage::ImageRgba8(half));
    assert!((sight.transparency - 0.5).abs() < 0.02);
    assert!(share(&sight, "red") > 0.98);
    assert!(
        sight
            .describe("is it transparent?")
            .starts_with("Yes, 50 %")
    );
    let nothing = seen(&DynamicImage::ImageRgba8(RgbaImage::new(9, 9)));
    assert!(nothing.transparency > 0.99);
    assert!(!nothing.describe("colour").is_empty());
}

#[test]
fn flat_pictures_say_their_colour() {
    let text = seen(&flat([255, 0, 0])).describe("what do you see?");
    assert!(text.contains("single flat red (#ff0000)"), "{text}");
    assert!(
        seen(&flat([0, 0, 255]))
            .describe("How much blue?")
            .starts_with("100 % of the picture is blue")
    );
    assert!(
        seen(&flat([0, 0, 255]))
            .describe("Is it red?")
            .starts_with("No part")
    );
}

#[test]
fn edges_have_a_direction() {
    let stripes = |along: bool| {
        RgbImage::from_fn(64, 64, |x, y| {
            let on = if along {
                y / 8 % 2 == 0
            } else {
                x / 8 % 2 == 0
            };
            Rgb([if on { 255 } else { 0 }; 3])
        })
    };
    let direction = |p| seen(&DynamicImage::ImageRgb8(p)).detail.direction;
    assert_eq!(direction(stripes(true)), EdgeDirection::Horizontal);
    assert_eq!(direction(stripes(false)), EdgeDirection::Vertical);
    assert_eq!(seen(&flat([9, 9, 9])).detail.direction, EdgeDirection::None);
}

#[test]
fn exif_orientation_is_told_and_not_applied() {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    let mut segment = b"\xff\xe1".to_vec();
    let length = u16::try_from(tiff.len() + 8).unwrap();
    segment.extend(length.to_be_bytes());
    segment.extend(b"Exif\0\0");
    segment.append(&mut tiff);
    let mut bytes = ROCKET.to_vec();
    bytes.splice(2..2, segment);
    let sight = look(&bytes).unwrap();
    assert_eq!(sight.orientation, Some(6));
    assert_eq!((sight.width, sight.height), (640, 427));
    assert!(
        sight
            .describe("")
            .contains("turned by 90 degrees clockwise")
    );
    assert!(
        sight
            .describe("is it rotated?")
            .starts_with("It is stored in landscape")
    );
    assert_eq!(look(ROCKET).unwrap().orientation, None);
}

#[test]
fn orientation_of_webp_and_of_xmp_is_told() {
    let whole = file(&flat([1, 2, 3]), ImageFormat::WebP);
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let packet = b"<rdf:RDF><rdf:Description tiff:Orientation='6'/></rdf:RDF>";
    for (kind, data) in [
        (b"EXIF", tiff.to_vec()),
        (b"EXIF", [b"Exif\0\0", &tiff[..]].concat()),
        (b"XMP ", packet.to_vec()),
    ] {
        let mut bytes = whole.clone();
        bytes.extend(kind);
        bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        bytes.extend(&data);
        let size = u32::try_from(bytes.len() - 8).unwrap();
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        assert_eq!(look(&bytes).unwrap().orientation, Some(6), "{kind:?}");
    }
}

#[test]
fn comparing_numbers_the_images_and_says_how_they_differ() {
    let sights = [look(ROCKET).unwrap(), look(CHELSEA).unwrap()];
    let text = compare(&sights, "What differs?");
    assert!(text.contains("Image 1: a JPEG") && text.contains("Image 2: a PNG"));
    assert!(
        text.contains("image 1 is larger") && text.contains("image 2 is brighter"),
        "{text}"
    );
    let same = [look(ROCKET).unwrap(), look(ROCKET).unwrap()];
    assert!(compare(&same, "").contains("about the same"));
    assert_eq!(compare(&[], ""), "There is no picture to look at.");
    assert_eq!(compare(&same[..1], ""), same[0].describe(""));
}

#[test]
fn cut_files_are_errors() {
    for (format, bytes) in each_format() {
        for cut in 2..bytes.len() {
            match look(&bytes[..cut]) {
                Err(CannotSee::Truncated { format: told }) => assert_eq!(told, format),
                other => assert!(
                    cut < 4 && other.is_err(),
                    "{format} cut at {cut}: {other:?}"
                ),
            }
        }
    }
    for cut in [3, 100, 5000, 60_000, ROCKET.len() - 1] {
        assert_eq!(
            look(&ROCKET[..cut]),
            Err(CannotSee::Truncated {
                format: Format::Jpeg
            })
        );
    }
}

#[test]
fn what_is_no_picture_is_named() {
    assert_eq!(look(b""), Err(CannotSee::Empty));
    let told = |bytes: &[u8]| look(bytes).unwrap_err().to_string();
    assert!(told(b"%PDF-1.7 ...").contains("PDF"));
    assert!(told(b"BM......").contains("BMP"));
    assert!(told(b"\0\0\0\x1cftypavif").contains("AVIF"));
    assert!(told(b"<html>").contains("HTML"));
    assert!(told(b"hello there").contains("not a PNG"));
}

#[test]
fn huge_pictures_are_refused_undecoded() {
    let mut png = file(&flat([1, 2, 3]), ImageFormat::Png);
    png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    let sum = crc(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    let error = look(&png).unwrap_err();
    assert_eq!(
        error,
        CannotSee::TooLarge {
            format: Format::Png,
            width: 60_000,
            height: 60_000
        }
    );
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |s, _| {
            if s & 1 == 1 {
                (s >> 1) ^ 0xedb8_8320
            } else {
                s >> 1
            }
        })
    })
}

#[test]
fn damaged_content_is_broken() {
    let mut png = file(&flat([1, 2, 3]), ImageFormat::Png);
    png[45] ^= 0xff;
    assert!(matches!(
        look(&png),
        Err(CannotSee::Broken {
            format: Format::Png,
            ..
        })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in 0..6_usize) {
        let starts: [&[u8]; 6] = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x40\0\0\0WEBPVP8L", b"RIFF\x40\0\0\0WEBPVP8X"];
        let _ = look(&[starts[magic], &bytes].concat());
    }

    #[test]
    fn no_damage_panics(which in 0..4_usize, places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (_, mut bytes) = each_format().swap_remove(which);
        for (place, value) in places {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(sight) = look(&bytes) {
            let _ = sight.describe("what is it?");
        }
    }

    #[test]
    fn no_question_panics(question in any::<String>()) {
        let sight = look(&each_format().swap_remove(0).1).unwrap();
        prop_assert!(!sight.describe(&question).is_empty());
        prop_assert!(!compare(&[sight.clone(), sight], &question).is_empty());
    }
}
