use proptest::prelude::*;

use super::*;

/// The share of pixels within a small distance of a named colour.
fn share(picture: &RgbaImage, name: &str) -> f64 {
    let colour = named_colour(name).unwrap();
    let near = picture
        .pixels()
        .filter(|p| p.0[3] == 255 && colour::distance(colour, [p.0[0], p.0[1], p.0[2]]) <= 24.0);
    let near = u32::try_from(near.count()).unwrap();
    f64::from(near) / f64::from(picture.width() * picture.height())
}

fn assert_shows(prompt: &str, width: u32, height: u32, names: &[&str]) {
    let picture = draw(prompt, width, height);
    for name in names {
        let share = share(&picture, name);
        assert!(
            share >= 0.03,
            "{name} covers {:.2} % of {width}x{height} '{prompt}'",
            share * 100.0
        );
    }
}

#[test]
fn named_colours_show() {
    let prompts: &[(&str, &[&str])] = &[
        ("a red house under a blue sky", &["red", "blue"]),
        ("a red bicycle leaning on a blue wall", &["red", "blue"]),
        ("three yellow stars over a dark sea", &["yellow"]),
        ("three yellow stars over a navy sea", &["yellow", "navy"]),
        (
            "a minimal logo of a green leaf on white",
            &["green", "white"],
        ),
        ("a purple butterfly and a pink flower", &["purple", "pink"]),
        (
            "red, green, blue and yellow balloons",
            &["red", "green", "blue", "yellow"],
        ),
        (
            "a photo of a crimson car on a gray road at sunset",
            &["crimson", "gray"],
        ),
        (
            "a watercolor of a teal boat on a turquoise lake under a coral sky",
            &["teal", "turquoise", "coral"],
        ),
        (
            "a watercolour of an orange fox with a white tail in a green forest",
            &["orange", "white", "green"],
        ),
        ("a pencil sketch of a maroon castle", &["maroon"]),
        (
            "pixel art of a magenta cat on an olive field",
            &["magenta", "olive"],
        ),
        ("a silver rocket in space", &["silver"]),
        (
            "two black cats and a white dog in the snow",
            &["black", "white"],
        ),
        ("an indigo night sky with a gold moon", &["indigo", "gold"]),
        ("#ff8800 circle", &["#ff8800"]),
        ("a beige gizmo", &["beige"]),
        ("abstract lavender and mint", &["lavender", "mint"]),
        ("lime", &["lime"]),
        ("a cyan fish in a brown aquarium", &["cyan", "brown"]),
        ("a red square on the left", &["red"]),
        ("a violet heart, transparent background", &["violet"]),
        (
            "salmon mountains behind a cream house",
            &["salmon", "cream"],
        ),
        (
            "one small scarlet bird in a large azure sky",
            &["scarlet", "azure"],
        ),
        (
            "a city skyline in plum with a khaki moon and a ruby car",
            &["plum", "khaki", "ruby"],
        ),
        ("twelve tiny red stars", &["red"]),
        ("a black and white photo of a tree", &["black", "white"]),
    ];
    for (prompt, names) in prompts {
        for (width, height) in [(256, 256), (320, 180), (144, 256)] {
            assert_shows(prompt, width, height, names);
        }
    }
    for (width, height) in [(1024, 1024), (2048, 16), (16, 900), (64, 64), (16, 16)] {
        assert_shows(
            "a red house under a blue sky",
            width,
            height,
            &["red", "blue"],
        );
    }
}

#[test]
fn every_thing_shows_in_every_name() {
    let things = "fox cat dog bird fish horse tree pine flower sun moon star cloud rainbow house castle car bicycle \
        boat rocket plane person heart circle square triangle diamond balloon apple cup butterfly leaf mushroom \
        book rabbit gizmo sky sea mountain hill forest city road wall";
    let names = [
        "red", "green", "blue", "purple", "black", "white", "orange", "teal",
    ];
    for (turn, thing) in things.split_whitespace().enumerate() {
        let name = names[turn % names.len()];
        assert_shows(&format!("a {name} {thing}"), 128, 128, &[name]);
    }
}

#[test]
fn the_same_words_and_size_give_the_same_picture() {
    for prompt in [
        "a watercolor of a fox in a snowy forest",
        "",
        "quidditas",
        "five birds",
    ] {
        assert_eq!(draw(prompt, 120, 90), draw(prompt, 120, 90));
    }
}

#[test]
fn different_prompts_give_different_pictures() {
    let prompts = [
        "happiness",
        "entropy",
        "a fox",
        "a cat",
        "two cats",
        "a cat at night",
        "a cat in the snow",
        "a sketch of a cat",
        "a watercolor of a cat",
        "pixel art of a cat",
        "",
        "日本語",
    ];
    let pictures: Vec<RgbaImage> = prompts.iter().map(|p| draw(p, 96, 96)).collect();
    for (turn, one) in pictures.iter().enumerate() {
        for (other, name) in pictures.iter().zip(prompts).skip(turn + 1) {
            let differing = one
                .pixels()
                .zip(other.pixels())
                .filter(|(a, b)| a != b)
                .count();
            assert!(
                differing > 400,
                "'{}' and '{name}' differ in {differing} pixels",
                prompts[turn]
            );
        }
    }
}

#[test]
fn transparency_is_on_request() {
    let clear = draw("a red cat, transparent background", 100, 100);
    assert_eq!(clear.get_pixel(0, 0).0[3], 0);
    assert!(clear.pixels().any(|p| p.0[3] == 255));
    for prompt in [
        "a red cat",
        "nothing that is known",
        "pixel art of a rocket",
        "a watercolor",
    ] {
        assert!(
            draw(prompt, 100, 70).pixels().all(|p| p.0[3] == 255),
            "{prompt}"
        );
    }
}

#[test]
fn surroundings_change_the_light() {
    let light = |prompt: &str| {
        let picture = draw(prompt, 64, 64);
        picture.pixels().map(|p| u64::from(p.0[1])).sum::<u64>()
    };
    assert!(light("a fox at night") < light("a fox") * 2 / 3);
    assert!(light("a fox in the snow") > light("a fox"));
}

#[test]
fn odd_sizes_are_drawn() {
    for (width, height) in [
        (1, 1),
        (0, 0),
        (1, 64),
        (2, 1),
        (3, 3),
        (2048, 16),
        (16, 2048),
        (8192, 1),
    ] {
        for prompt in [
            "a red fox in a snowy forest",
            "watercolor city at night",
            "pixel art",
            "sketch of a sea",
            "abc",
        ] {
            let picture = draw(prompt, width, height);
            assert_eq!(picture.dimensions(), (width.max(1), height.max(1)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_prompt_panics(prompt in any::<String>(), width in 0..80_u32, height in 0..80_u32) {
        let picture = draw(&prompt, width, height);
        prop_assert_eq!(picture.width(), width.max(1));
    }

    #[test]
    fn no_words_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "red", "blue", "#0f0", "a", "two", "24", "and", ",", "on", "is", "the", "fox", "stars", "house", "sky",
            "sea", "night", "orange", "transparent", "watercolor", "sketch", "pixel", "art", "gizmo", "dark", "left",
            "under", "snow", "of", "cup", "balloons", "background", "white", "photo",
        ]), 0..14),
        width in 1..70_u32,
        height in 1..70_u32,
    ) {
        let prompt = words.join(" ");
        prop_assert_eq!(draw(&prompt, width, height), draw(&prompt, width, height));
    }
}
