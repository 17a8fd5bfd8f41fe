//! Operations on small pictures whose pixels are known.

use image::{Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;

const RED: Rgba<u8> = Rgba([220, 30, 30, 255]);
const BLUE: Rgba<u8> = Rgba([20, 40, 200, 255]);
const WHITE: Rgba<u8> = Rgba([255, 255, 255, 255]);
const BLACK: Rgba<u8> = Rgba([0, 0, 0, 255]);

/// A square in the middle half of a sheet.
fn square(width: u32, height: u32, inside: Rgba<u8>, outside: Rgba<u8>) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let is_inside = (width / 4..width - width / 4).contains(&x)
            && (height / 4..height - height / 4).contains(&y);
        if is_inside { inside } else { outside }
    })
}

fn is_in_middle(x: u32, y: u32, width: u32, height: u32) -> bool {
    (width / 4..width - width / 4).contains(&x) && (height / 4..height - height / 4).contains(&y)
}

fn mean(picture: &RgbaImage) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for pixel in picture.pixels() {
        for (sum, value) in sums.iter_mut().zip(pixel.0) {
            *sum += f64::from(value);
        }
    }
    sums.map(|sum| sum / f64::from(picture.width() * picture.height()))
}

#[test]
fn the_background_goes_and_the_thing_stays() {
    let cut = remove_background(&square(40, 32, RED, WHITE));
    for (x, y, pixel) in cut.enumerate_pixels() {
        if is_in_middle(x, y, 40, 32) {
            assert_eq!(*pixel, RED, "{x} {y}");
        } else {
            assert_eq!(pixel.0[3], 0, "{x} {y}");
        }
    }
    // White within the thing is not joined to the border, and stays.
    let mut ring = square(40, 40, RED, WHITE);
    for (x, y) in [(19, 19), (20, 20)] {
        ring.put_pixel(x, y, WHITE);
    }
    let cut = remove_background(&ring);
    assert_eq!(*cut.get_pixel(19, 19), WHITE);
    assert_eq!(cut.get_pixel(0, 0).0[3], 0);
    // Of a landscape all goes that reaches the border.
    let landscape = RgbaImage::from_fn(40, 40, |x, y| match (is_in_middle(x, y, 40, 40), y) {
        (true, _) => RED,
        (false, ..20) => BLUE,
        (false, _) => Rgba([20, 160, 40, 255]),
    });
    let cut = remove_background(&landscape);
    assert!(
        cut.enumerate_pixels()
            .all(|(x, y, it)| (it.0[3] == 0) != is_in_middle(x, y, 40, 40))
    );
    // A gradient is background as far as it fades.
    let fading = RgbaImage::from_fn(64, 64, |x, y| {
        if is_in_middle(x, y, 64, 64) {
            return RED;
        }
        let value = 200 + u8::try_from(y / 2).unwrap();
        Rgba([value, value, value, 255])
    });
    let cut = remove_background(&fading);
    assert!(
        cut.enumerate_pixels()
            .all(|(x, y, it)| (it.0[3] == 0) != is_in_middle(x, y, 64, 64))
    );
}

#[test]
fn masks_are_white_or_transparent_and_bounded() {
    let white = square(16, 16, WHITE, BLACK);
    let mask = Mask::of_white(&white, 16, 16);
    assert_eq!(mask.bounds(), Some((4, 4, 8, 8)));
    assert_eq!((mask.weight(0, 0), mask.weight(8, 8)), (0, 255));
    assert_eq!(
        Mask::of_white(&white, 32, 64).bounds(),
        Some((8, 16, 16, 32))
    );
    let clear = square(16, 16, Rgba([0; 4]), BLACK);
    assert_eq!(Mask::of_transparent(&clear, 16, 16), mask);
    assert_eq!(Mask::of_white(&clear, 16, 16).bounds(), None);
    // What a JPEG makes of black and white is black and white.
    let noisy = square(16, 16, Rgba([250, 250, 250, 255]), Rgba([6, 6, 6, 255]));
    assert_eq!(Mask::of_white(&noisy, 16, 16), mask);
}

#[test]
fn feathers_fade_inwards() {
    let mask = Mask::of_white(&square(64, 64, WHITE, BLACK), 64, 64);
    let soft = mask.feathered(6);
    assert_eq!(mask.feathered(0), mask);
    assert_eq!(soft.weight(32, 32), 255);
    let edge: Vec<u8> = (16..32).map(|x| soft.weight(x, 32)).collect();
    assert!(
        edge.is_sorted() && edge[0] < 64 && edge[3] > edge[0] && edge[8] == 255,
        "{edge:?}"
    );
    assert!((0..64).all(|at| soft.weight(at, 10) == 0));
    assert_eq!(
        Mask::everywhere(8, 8).feathered(u32::MAX),
        Mask::everywhere(8, 8)
    );
}

#[test]
fn inpainting_leaves_the_rest_to_the_last_bit() {
    let picture = RgbaImage::from_fn(48, 40, |x, y| {
        Rgba([
            u8::try_from(x * 5).unwrap(),
            u8::try_from(y * 6).unwrap(),
            90,
            255,
        ])
    });
    let mask = Mask::of_white(&square(48, 40, WHITE, BLACK), 48, 40);
    for prompt in ["a red balloon", "", "make it green", "remove it", "gizmo"] {
        for mask in [mask.clone(), mask.feathered(4)] {
            let edited = inpaint(&picture, &mask, prompt, 0);
            assert!(edited != picture, "{prompt}");
            for (x, y, pixel) in edited.enumerate_pixels() {
                if !is_in_middle(x, y, 48, 40) {
                    assert_eq!(pixel, picture.get_pixel(x, y), "{prompt}");
                }
            }
        }
    }
    let nowhere = Mask::of_white(&RgbaImage::from_pixel(48, 40, BLACK), 48, 40);
    assert!(inpaint(&picture, &nowhere, "a cat", 0) == picture);
}

#[test]
fn what_is_filled_looks_like_what_is_around() {
    let picture = square(64, 48, RED, BLUE);
    let mask = Mask::of_white(&square(64, 48, WHITE, BLACK), 64, 48);
    let filled = fill_from_around(&picture, &mask);
    assert!(filled.pixels().all(|pixel| *pixel == BLUE));
    // Between two colours there is a passage.
    let halves = RgbaImage::from_fn(64, 48, |x, _| if x < 32 { RED } else { BLUE });
    let filled = fill_from_around(&halves, &mask);
    let row: Vec<u8> = (16..48).map(|x| filled.get_pixel(x, 24).0[0]).collect();
    assert!(
        row.is_sorted_by(|a, b| a >= b) && row[0] > 150 && row[31] < 90,
        "{row:?}"
    );
}

#[test]
fn prompts_change_what_they_name() {
    let picture = square(40, 32, RED, WHITE);
    let gray = edit(&picture, None, "Make it black and white", 0);
    assert!(
        gray.pixels()
            .all(|it| it.0[0] == it.0[1] && it.0[1] == it.0[2])
    );
    let turned = edit(&picture, None, "rotate left", 0);
    assert_eq!(turned.dimensions(), (32, 40));
    assert!(edit(&turned, None, "rotate it", 0) == picture);
    let darker = edit(&picture, None, "a bit darker", 0);
    assert!(mean(&darker)[0] < mean(&picture)[0] - 20.0);
    let tinted = edit(&picture, None, "turn it blue", 0);
    let [red, _, blue] = mean(&tinted);
    assert!(blue > red + 40.0, "{red} {blue}");
    let behind = edit(&picture, None, "put it on a green background", 0);
    assert_eq!(*behind.get_pixel(0, 0), Rgba([0, 128, 0, 255]));
    assert_eq!(*behind.get_pixel(20, 16), RED);
    let cut = edit(&picture, None, "on a transparent background", 0);
    assert!(cut == remove_background(&picture));
    let added = edit(&picture, None, "add a yellow star", 0);
    assert!(
        added
            .pixels()
            .filter(|it| **it == Rgba([255, 255, 0, 255]))
            .count()
            > 30
    );
    let left = added
        .pixels()
        .zip(picture.pixels())
        .filter(|(one, other)| one == other)
        .count();
    assert!(left > 200, "{left}");
    assert!(edit(&picture, None, "gizmo", 0) != picture);
}

#[test]
fn frames_have_their_shape_and_keep_the_picture() {
    let picture = square(40, 40, RED, BLUE);
    for (shape, size) in [
        ((1, 1), (40, 40)),
        ((16, 9), (71, 40)),
        ((9, 16), (40, 71)),
        ((2, 3), (40, 60)),
        ((4, 3), (53, 40)),
    ] {
        let wide = extended(&picture, shape);
        assert_eq!(wide.dimensions(), size);
        let (left, top) = ((size.0 - 40) / 2, (size.1 - 40) / 2);
        let middle = image::imageops::crop_imm(&wide, left, top, 40, 40).to_image();
        assert!(middle == picture);
        assert!(wide.pixels().all(|pixel| pixel.0[3] == 255));
    }
    assert_eq!(frame::cropped(&picture, (2, 1)).dimensions(), (40, 20));
}

#[test]
fn outpainting_draws_around() {
    let picture = square(32, 24, RED, BLUE);
    let placed = framed(&picture, (64, 48), None);
    assert_eq!((placed.left, placed.top), (16, 12));
    let wide = outpaint(
        &placed.sheet,
        &placed.around,
        "a green meadow under a yellow sky",
        0,
    );
    let middle = image::imageops::crop_imm(&wide, 16, 12, 32, 24).to_image();
    assert!(middle == picture);
    assert!(wide.pixels().all(|pixel| pixel.0[3] == 255));
    assert!(wide != outpaint(&placed.sheet, &placed.around, "", 0));
    assert_eq!(framed(&picture, (40, 24), Some((8, 0))).left, 8);
    assert_eq!(framed(&picture, (40, 24), Some((9, 0))).left, 4);
    assert!(framed(&picture, (1, 1), None).sheet == picture);
}

#[test]
fn mixes_have_an_equal_share_of_each() {
    let others = [BLUE, WHITE].map(|colour| RgbaImage::from_pixel(20, 90, colour));
    let picture = RgbaImage::from_pixel(30, 20, RED);
    let mixed = mix(&picture, &others, "together");
    assert_eq!(mixed.dimensions(), (30, 20));
    for (mean, expected) in mean(&mixed).into_iter().zip([165.0, 108.3, 161.7]) {
        assert!((mean - expected).abs() < 3.0, "{mean} {expected}");
    }
    assert!(mix(&picture, &others, "with a black cat") != mixed);
}

#[test]
fn resampling_keeps_colours_and_edges_of_what_is_clear() {
    let picture = square(16, 16, RED, Rgba([0, 255, 0, 0]));
    let larger = resample(&picture, 64, 64);
    assert_eq!(larger.dimensions(), (64, 64));
    assert_eq!(*larger.get_pixel(32, 32), RED);
    assert_eq!(larger.get_pixel(0, 0).0[3], 0);
    // No green of what could not be seen shows.
    assert!(larger.pixels().all(|it| it.0[3] < 40 || it.0[1] < 60));
    assert!(resample(&picture, 16, 16) == picture);
    assert_eq!(
        cover(&square(30, 10, RED, BLUE), 10, 10).dimensions(),
        (10, 10)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_picture_can_be_edited(
        (width, height) in (1_u32..20, 1_u32..20),
        (across, down) in (1_u32..20, 1_u32..20),
        seed: u8,
        prompt in "(darker|blur|rotate|make it |red|a cat|white background| on a beach|sharpen|\\PC{0,6}){0,3}",
        feather in 0_u32..40,
    ) {
        let noise = |width, height, step: u8| RgbaImage::from_fn(width, height, |x, y| {
            let value = u8::try_from((x * 31 + y * 17) % 251).unwrap();
            Rgba([value.wrapping_mul(step), value.wrapping_add(seed), step, value.wrapping_mul(seed | 1)])
        });
        let (picture, other) = (noise(width, height, 3), noise(across, down, 7));
        let mask = Mask::of_white(&other, width, height).feathered(feather);
        prop_assert_eq!(remove_background(&picture).dimensions(), (width, height));
        prop_assert_eq!(inpaint(&picture, &mask, &prompt, 0).dimensions(), (width, height));
        prop_assert_eq!(edit(&picture, Some(&mask), &prompt, 1).dimensions(), (width, height));
        edit(&picture, None, &prompt, 2);
        prop_assert_eq!(mix(&picture, std::slice::from_ref(&other), &prompt).dimensions(), (width, height));
        prop_assert_eq!(cover(&picture, across, down).dimensions(), (across, down));
        extended(&picture, (across, down));
        let placed = framed(&picture, (across, down), Some((seed.into(), 0)));
        outpaint(&placed.sheet, &placed.around, &prompt, 0);
    }
}
