//! `mesh see`: an answer that is true, and shown as it comes.

use std::io::Read;
use std::process::{Child, ChildStdout};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use image::{DynamicImage, Rgb, RgbImage};
use mesh_conformance::Act;
use serde_json::json;

use crate::answers::{data_url, done, finish, piece, png, saying, server, stream};
use crate::running::{ended, offline, only_body, photo, run, run_reading, speaking_to, start};

#[test]
fn a_photograph_is_described_truly_without_key_or_network() {
    let ran = run(offline().arg("see").arg(photo("rocket.jpg")));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for fact in [
        "JPEG",
        "640 x 427",
        "landscape",
        "112,525 bytes",
        "dark blue",
    ] {
        assert!(ran.stdout.contains(fact), "{fact}: {}", ran.stdout);
    }
    assert!(ran.stdout.ends_with('\n'));
    let line = ran.line();
    assert!(
        line.contains("offline") && line.contains("emulator"),
        "{line}"
    );
}

#[test]
fn the_answer_changes_as_the_photograph_does() {
    let original = image::open(photo("rocket.jpg")).unwrap().to_rgb8();
    let changed = |change: fn(Rgb<u8>) -> Rgb<u8>| {
        RgbImage::from_fn(original.width(), original.height(), |x, y| {
            change(*original.get_pixel(x, y))
        })
    };
    let versions = [
        ("original", original.clone()),
        (
            "darkened",
            changed(|Rgb(rgb)| Rgb(rgb.map(|value| value / 3))),
        ),
        ("recoloured", changed(|Rgb([r, g, b])| Rgb([b, g, r]))),
        (
            "cropped",
            DynamicImage::from(original.clone())
                .crop_imm(40, 60, 300, 200)
                .to_rgb8(),
        ),
        ("rotated", image::imageops::rotate90(&original)),
    ];
    let directory = tempfile::tempdir().unwrap();
    // The emulator streams at a pace that a person can follow, so all look at once.
    let running = versions.map(|(name, picture)| {
        let path = directory.path().join(format!("{name}.png"));
        picture.save(&path).unwrap();
        start(offline().arg("see").arg(path))
    });
    let answers = running.map(|child| {
        let ran = ended(child);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran.stdout
    });
    let [original, darkened, recoloured, cropped, rotated] = &answers;

    for (index, answer) in answers.iter().enumerate() {
        assert!(!answers[..index].contains(answer), "{answer}");
    }
    assert!(
        original.contains("640 x 427 pixels (landscape)"),
        "{original}"
    );
    assert!(rotated.contains("427 x 640 pixels (portrait)"), "{rotated}");
    assert!(cropped.contains("300 x 200 pixels"), "{cropped}");
    assert!(brightness(darkened) < brightness(original), "{darkened}");
    assert_eq!(brightness(rotated), brightness(original), "{rotated}");
    assert!(
        original.contains("blue") && original.contains(", cool and"),
        "{original}"
    );
    assert!(
        !recoloured.contains("blue") && recoloured.contains(", warm and"),
        "{recoloured}"
    );
}

/// The percentage of the mean brightness in an answer.
fn brightness(answer: &str) -> u32 {
    let (_, rest) = answer.split_once("mean brightness ").expect(answer);
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_first_words_are_shown_before_the_gateway_has_sent_the_next() {
    let server = server(stream([
        piece("A rocket "),
        Act::AwaitEvents(1),
        piece("at night."),
        finish("stop"),
        done(),
    ]));
    let mut child = start(speaking_to(&server).arg("see").arg(photo("rocket.jpg")));
    let stdout = child.stdout.take().unwrap();
    let (seen, stdout) = read_first(&mut child, stdout, "A rocket ".len());
    assert_eq!(seen, "A rocket ");

    server.shown().add();
    let rest = thread::spawn(move || {
        let mut rest = String::new();
        { stdout }.read_to_string(&mut rest).unwrap();
        rest
    });
    let ran = ended(child);
    assert_eq!(rest.join().unwrap(), "at night.\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

/// Reads so many bytes of what a command prints, while the command still runs.
fn read_first(child: &mut Child, mut stdout: ChildStdout, count: usize) -> (String, ChildStdout) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = vec![0; count];
        stdout.read_exact(&mut bytes).unwrap();
        sender
            .send((String::from_utf8(bytes).unwrap(), stdout))
            .unwrap();
    });
    // A guard against hanging, not a measurement.
    receiver
        .recv_timeout(Duration::from_secs(60))
        .unwrap_or_else(|_| {
            child.kill().unwrap();
            panic!("nothing was shown before the gateway had sent all")
        })
}

#[test]
fn the_request_is_the_guides_with_the_defaults_filled_in() {
    let url = "https://example.com/image.jpg";
    let asked = |arguments: &[&str]| {
        let server = server(saying("A picture."));
        let ran = run(speaking_to(&server).arg("see").args(arguments));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("A picture.\n", "")
        );
        only_body(&server)
    };

    let guide = json!({
        "model": "openai/gpt-4o",
        "stream": true,
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is in this image?"},
            {"type": "image_url", "image_url": {"url": url, "detail": "auto"}},
        ]}],
    });
    assert_eq!(
        asked(&["-m", "openai/gpt-4o", "--detail", "auto", url]),
        guide
    );

    let mut plain = guide;
    plain["model"] = json!("openai/gpt-4o-mini");
    plain["messages"][0]["content"][1]["image_url"] = json!({"url": url});
    assert_eq!(asked(&[url]), plain);

    plain["messages"][0]["content"][0]["text"] = json!("How many birds?");
    assert_eq!(asked(&["--question", "How many birds?", url]), plain);
}

#[test]
fn files_data_urls_and_standard_input_are_sent_in_their_order() {
    let server = server(saying("Three pictures."));
    let file = std::fs::read(photo("chelsea.png")).unwrap();
    let inline = data_url(&png());
    let ran = run_reading(
        speaking_to(&server)
            .arg("see")
            .arg(photo("chelsea.png"))
            .arg(&inline)
            .arg("-"),
        &file,
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let body = only_body(&server);
    let urls: Vec<&str> = body["messages"][0]["content"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|part| part["image_url"]["url"].as_str())
        .collect();
    let encoded = data_url(&file);
    assert_eq!(urls, [&encoded, &inline, &encoded]);
}

#[test]
fn standard_input_is_looked_at_like_a_file() {
    let file = std::fs::read(photo("chelsea.png")).unwrap();
    let ran = run_reading(offline().args(["see", "-"]), &file);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("A PNG picture, 451 x 300 pixels"),
        "{}",
        ran.stdout
    );
}
