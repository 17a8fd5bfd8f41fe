//! `mesh draw`: a picture is asked for as the guide has it, and written where it was wanted.

use std::fs;
use std::path::Path;

use image::{GenericImageView, Rgb};
use mesh_conformance::{Act, Exchange, ScriptedServer};
use serde_json::json;

use crate::answers::{data_url, pictures, png, server, silent_row};
use crate::running::{ended, names_in, offline, only_body, posts, run, speaking_to, start};

const FOX: &str = "a watercolor of a fox in a snowy forest";

#[test]
fn a_fox_is_drawn_without_key_or_network_and_what_was_written_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let ran = run(offline()
        .current_dir(&directory)
        .args(["draw", FOX, "-o", "fox.png"]));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    let file = fs::read(directory.path().join("fox.png")).unwrap();
    assert_eq!(image::guess_format(&file).unwrap(), image::ImageFormat::Png);
    assert_eq!(
        image::load_from_memory(&file).unwrap().dimensions(),
        (1024, 1024)
    );
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert!(lines[0].contains("offline"), "{ran:?}");
    assert_eq!(
        lines[1],
        format!(
            "mesh: wrote fox.png: image/png, 1024 × 1024 pixels, {} bytes",
            file.len()
        )
    );
    assert_eq!(names_in(directory.path()), ["fox.png"]);
}

#[test]
fn the_colours_that_a_prompt_names_are_in_the_picture() {
    let directory = tempfile::tempdir().unwrap();
    for (prompt, named) in [
        (
            "a red circle on a blue background",
            [("red", [255, 0, 0]), ("blue", [0, 0, 255])],
        ),
        (
            "a yellow star on a green background",
            [("yellow", [255, 255, 0]), ("green", [0, 128, 0])],
        ),
    ] {
        let path = directory.path().join("picture.png");
        let ran = run(offline().args(["draw", prompt, "--force", "-o"]).arg(&path));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let picture = image::open(&path).unwrap().to_rgb8();
        let total = picture.pixels().len();
        for (name, colour) in named {
            let count = picture
                .pixels()
                .filter(|pixel| is_near(**pixel, colour))
                .count();
            assert!(
                count * 50 > total,
                "{prompt}: {name} covers {count} of {total} pixels"
            );
        }
        // Neither of the other pair's colours is there unasked.
        let count = picture
            .pixels()
            .filter(|pixel| is_near(**pixel, [255, 0, 255]))
            .count();
        assert!(count * 100 < total, "{prompt}: {count} magenta pixels");
    }
}

/// Whether no channel is further off than names of colours are vague.
fn is_near(Rgb(pixel): Rgb<u8>, colour: [u8; 3]) -> bool {
    pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 64)
}

#[test]
fn the_request_is_the_guides() {
    let directory = tempfile::tempdir().unwrap();
    let asked = |arguments: &[&str]| {
        let server = server(pictures(&[&data_url(&png())]));
        let path = directory.path().join("fox.png");
        let ran = run(speaking_to(&server)
            .args(["draw", "--force", "-o"])
            .arg(path)
            .args(arguments));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        only_body(&server)
    };

    let prompt = "Generate a watercolor of a fox in a snowy forest.";
    let guide = json!({
        "model": "openai/gpt-image-1",
        "image": {"size": "1024x1024", "quality": "high", "response_format": "url"},
        "messages": [{"role": "user", "content": prompt}],
    });
    assert_eq!(
        asked(&[prompt, "--quality", "high", "--response-format", "url"]),
        guide
    );

    let mut plain = guide;
    plain["image"] = json!({"size": "1024x1024"});
    assert_eq!(asked(&[prompt]), plain);

    plain["model"] = json!("google/imagen-4-fast");
    plain["image"] = json!({"size": "512x256", "response_format": "b64_json"});
    let arguments = [
        "--size",
        "512x256",
        "--response-format",
        "b64_json",
        "-m",
        "google/imagen-4-fast",
    ];
    assert_eq!(asked(&[&[prompt][..], &arguments].concat()), plain);
}

#[test]
fn every_response_format_gives_a_file_of_the_size_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    for format in [
        &[][..],
        &["--response-format", "url"],
        &["--response-format", "b64_json"],
    ] {
        let path = directory.path().join("fox.png");
        let ran = run(offline()
            .args([
                "draw",
                FOX,
                "--size",
                "512x256",
                "--quality",
                "low",
                "--force",
                "-o",
            ])
            .arg(&path)
            .args(format));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(image::open(&path).unwrap().dimensions(), (512, 256));
        fs::remove_file(path).unwrap();
    }
}

/// Asks a server that would answer for a picture, and expects to be told before it is asked.
fn is_told_before_anything_is_sent(path: &Path, told: &str) {
    let server = server(pictures(&[&data_url(&png())]));
    for command in [&mut speaking_to(&server), &mut offline()] {
        let ran = run(command.args(["draw", FOX, "-o"]).arg(path));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        let line = ran.line();
        assert!(
            line.contains(path.to_str().unwrap()) && line.contains(told),
            "{line}"
        );
    }
    assert_eq!(server.rest().len(), 0);
}

#[test]
fn a_file_that_is_there_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox.png");
    fs::write(&path, "mine").unwrap();
    is_told_before_anything_is_sent(&path, "--force");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(names_in(directory.path()), ["fox.png"]);
}

#[test]
fn a_file_that_is_there_is_replaced_by_force() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox.png");
    fs::write(&path, "mine").unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    let ran = run(speaking_to(&server)
        .args(["draw", FOX, "--force", "-o"])
        .arg(&path));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(fs::read(&path).unwrap(), png());
    assert_eq!(names_in(directory.path()), ["fox.png"]);
}

#[test]
fn a_file_that_appears_while_the_picture_is_drawn_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fox.png");
    let mut answer = pictures(&[&data_url(&png())]);
    answer.acts.insert(0, Act::AwaitEvents(1));
    let server = server(answer);
    let child = start(speaking_to(&server).args(["draw", FOX, "-o"]).arg(&path));
    server.next();
    fs::write(&path, "mine").unwrap();
    server.shown().add();
    let ran = ended(child);
    // The picture has been paid for: it finds another place.
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.line().contains("fox-2.png"), "{ran:?}");
    assert_eq!(fs::read(directory.path().join("fox-2.png")).unwrap(), png());
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_place_that_cannot_be_written_to_is_told_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    is_told_before_anything_is_sent(&directory.path().join("missing/fox.png"), "does not exist");
    is_told_before_anything_is_sent(directory.path(), "directory");
    assert_eq!(names_in(directory.path()), [""; 0]);
}

#[test]
fn a_file_gets_the_extension_of_what_it_is_and_a_wrong_one_is_said() {
    for (asked, written, said) in [
        ("fox", "fox.png", ""),
        ("fox.v2", "fox.v2.png", ""),
        ("fox.png", "fox.png", ""),
        ("fox.PNG", "fox.PNG", ""),
        ("fox.jpg", "fox.png", "named .png and not .jpg"),
        ("fox.webp", "fox.png", "named .png and not .webp"),
        ("fox.v2.jpg", "fox.v2.png", "named .png and not .jpg"),
        ("fox.txt", "fox.png", "named .png and not .txt"),
    ] {
        for force in [&[][..], &["--force"]] {
            let directory = tempfile::tempdir().unwrap();
            let server = server(pictures(&[&data_url(&png())]));
            let ran = run(speaking_to(&server)
                .current_dir(&directory)
                .args(["draw", FOX, "-o", asked])
                .args(force));
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let line = ran.line();
            let wrote = format!("wrote {written}: image/png, 4 × 3 pixels");
            assert!(line.contains(&wrote) && line.contains(said), "{line}");
            assert_eq!(line.contains("named"), !said.is_empty(), "{line}");
            assert_eq!(names_in(directory.path()), [written]);
            assert_eq!(fs::read(directory.path().join(written)).unwrap(), png());
        }
    }
}

#[test]
fn an_existing_file_of_the_final_name_stays_unless_it_is_forced() {
    for (asked, first, second) in [
        ("fox", "fox.png", "fox-2.png"),
        ("fox.jpg", "fox.png", "fox-2.png"),
        ("fox.v2", "fox.v2.png", "fox.v2-2.png"),
    ] {
        for (force, expected) in [(&[][..], second), (&["--force"], first)] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join(first), "mine").unwrap();
            let server = server(pictures(&[&data_url(&png())]));
            let ran = run(speaking_to(&server)
                .current_dir(&directory)
                .args(["draw", FOX, "-o", asked])
                .args(force));
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(
                fs::read(directory.path().join(expected)).unwrap(),
                png(),
                "{ran:?}"
            );
            let kept = fs::read(directory.path().join(first)).unwrap();
            assert_eq!(kept == b"mine", force.is_empty(), "{ran:?}");
            let is_said = ran.line().contains(&format!("{first} exists already"));
            assert_eq!(is_said, force.is_empty(), "{ran:?}");
        }
    }
}

#[test]
fn several_pictures_are_numbered_before_the_right_extension() {
    for (asked, written) in [
        ("fox", ["fox-1.png", "fox-2.png"]),
        ("fox.jpg", ["fox-1.png", "fox-2.png"]),
        ("fox.v2", ["fox.v2-1.png", "fox.v2-2.png"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        // Bytes after the end of a PNG change nothing but which file it is.
        let other = [png(), vec![0]].concat();
        let server = server(pictures(&[&data_url(&png()), &data_url(&other)]));
        let ran = run(speaking_to(&server)
            .current_dir(&directory)
            .args(["draw", FOX, "-o", asked]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(names_in(directory.path()), written);
    }
}

#[test]
#[cfg(unix)]
fn a_name_that_is_not_utf8_is_written_to() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let directory = tempfile::tempdir().unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", FOX, "-o"])
        .arg(OsStr::from_bytes(b"f\xfcchsin")));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.line().contains("wrote f\u{fffd}chsin.png"), "{ran:?}");
    let written = directory.path().join(OsStr::from_bytes(b"f\xfcchsin.png"));
    assert_eq!(fs::read(written).unwrap(), png());
}

#[test]
fn a_picture_without_a_given_name_is_named_after_its_prompt_and_type() {
    let directory = tempfile::tempdir().unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", "A Red circle, on blue!"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names_in(directory.path()), ["a-red-circle-on-blue.png"]);
}

#[test]
fn several_pictures_are_numbered() {
    let directory = tempfile::tempdir().unwrap();
    let mut other = png();
    // Bytes after the end of a PNG change nothing but which file it is.
    other.push(0);
    let server = server(pictures(&[&data_url(&png()), &data_url(&other)]));
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", FOX, "-o", "fox.png"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names_in(directory.path()), ["fox-1.png", "fox-2.png"]);
    assert_eq!(fs::read(directory.path().join("fox-1.png")).unwrap(), png());
    assert_eq!(fs::read(directory.path().join("fox-2.png")).unwrap(), other);
    assert_eq!(ran.stderr.lines().count(), 2, "{ran:?}");
}

#[test]
fn a_hosted_picture_on_a_private_address_is_not_fetched() {
    // Or a reply could make the command knock at doors behind a firewall.
    let directory = tempfile::tempdir().unwrap();
    let host = server(Exchange::new([]));
    let gateway = server(pictures(&[&format!("{}/1.png", host.base_url())]));
    let ran = run(speaking_to(&gateway)
        .current_dir(&directory)
        .args(["draw", FOX, "-o", "fox.png"]));
    assert_ne!(ran.code, Some(0), "{ran:?}");
    ran.line();
    assert_eq!(host.rest().len(), 0);
    assert_eq!(names_in(directory.path()), [""; 0]);
}

#[test]
fn a_picture_that_cannot_be_fetched_is_no_wrong_usage_and_its_address_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = server(pictures(&["https://10.0.0.1/1.png"]));
    let ran = run(speaking_to(&gateway)
        .current_dir(&directory)
        .args(["draw", FOX, "-o", "fox.png"]));
    assert!(matches!(ran.code, Some(1 | 5)), "{ran:?}");
    assert!(ran.line().contains("10.0.0.1"), "{ran:?}");
}

#[test]
fn a_picture_that_its_host_does_not_give_was_made_and_its_whole_url_is_told() {
    let signature = "s".repeat(1500);
    for (host, told) in [
        (
            Exchange::response(
                403,
                "content-type: application/xml\r\n",
                "<Error>AccessDenied</Error>",
            ),
            "403",
        ),
        (
            Exchange::response(404, "content-type: text/plain\r\n", "gone"),
            "404",
        ),
        (
            Exchange::response(200, "content-type: text/html\r\n", "<html>expired</html>"),
            "not a picture but",
        ),
        (
            Exchange::response(200, "content-type: image/png\r\n", ""),
            "",
        ),
        (
            Exchange::response(302, "location: ftp://elsewhere.test/1.png\r\n", ""),
            "another scheme",
        ),
        (
            Exchange::response(302, "", ""),
            "its host redirects (302 Found)",
        ),
    ] {
        for place in ["fox.png", "-"] {
            let directory = tempfile::tempdir().unwrap();
            let gateway = ScriptedServer::start_telling(|base_url| {
                let url = format!("{base_url}/1.png?signature={signature}");
                vec![silent_row(), pictures(&[&url]), host.clone()]
            });
            let url = format!("{}/1.png?signature={signature}", gateway.base_url());
            let ran = run(speaking_to(&gateway)
                .current_dir(&directory)
                .args(["draw", FOX, "-o", place]));
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
            let line = ran.line();
            for part in ["made and is billed", told, &url] {
                assert!(line.contains(part), "{part}: {line}");
            }
            for claim in ["before any work", "not sent", "unknown", "the gateway"] {
                assert!(!line.contains(claim), "{claim}: {line}");
            }
            assert_eq!(posts(&gateway).len(), 2);
            assert_eq!(names_in(directory.path()), [""; 0]);
        }
    }
}

#[test]
fn a_picture_without_a_given_name_is_not_paid_for_and_thrown_away() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a-fox.png"), "mine").unwrap();
    let server = server(pictures(&[&data_url(&png())]));
    run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", "A fox"]));
    assert_eq!(
        fs::read(directory.path().join("a-fox.png")).unwrap(),
        b"mine"
    );
    // Either it was told before, or the picture went elsewhere.
    let sent = posts(&server).len();
    assert_eq!(names_in(directory.path()).len(), 1 + sent);
}

#[test]
fn one_of_several_pictures_that_finds_no_place_does_not_cost_the_others() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("fox-1.png"), "mine").unwrap();
    let mut other = png();
    other.push(0);
    let server = server(pictures(&[&data_url(&png()), &data_url(&other)]));
    let ran = run(speaking_to(&server)
        .current_dir(&directory)
        .args(["draw", FOX, "-o", "fox.png"]));
    assert_eq!(
        fs::read(directory.path().join("fox-1.png")).unwrap(),
        b"mine"
    );
    assert_eq!(
        fs::read(directory.path().join("fox-2.png")).ok(),
        Some(other),
        "{ran:?}"
    );
}
