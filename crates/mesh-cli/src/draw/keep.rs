//! An image that was generated is written where it was asked for, or kept elsewhere.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use mesh_blocking::image::{Destination, Existing, SaveError, Saved};
use mesh_blocking::proto::destination::numbered;
use mesh_blocking::proto::image::{Dimensions, Evidence, MediaType, PictureError, is_xcode_png};
use mesh_blocking::{Client, Error, GeneratedImage};

use super::place::{Place, named_after};
use crate::arguments::Draw;
use crate::failure::{Failure, Kind, Unfetched};
use crate::interrupt;
use crate::output::say;

pub(super) fn keep(
    draw: &Draw,
    place: &Place,
    client: &Client,
    picture: &GeneratedImage,
    number: Option<usize>,
) -> Result<(), Failure> {
    let path = match place {
        Place::StandardOutput => {
            let picture = fetched(client, picture)?;
            let mut out = io::stdout().lock();
            out.write_all(picture.bytes()?)?;
            return Ok(out.flush()?);
        }
        Place::Device(path) => {
            let fetched = fetched(client, picture)?;
            let (media_type, evidence) = fetched.media_type()?;
            let bytes = fetched.bytes()?;
            let mut device = OpenOptions::new().write(true).open(path);
            return match device.as_mut().map(|device| device.write_all(bytes)) {
                Ok(Ok(())) => {
                    let kind = described(&media_type, evidence, bytes);
                    let note = name_of_device(path, &media_type);
                    tell(path, &kind, bytes.len() as u64, note);
                    Ok(())
                }
                Ok(Err(error)) => Err(unwritten(client, picture, path, &error)),
                Err(error) => Err(unwritten(client, picture, path, error)),
            };
        }
        Place::Named(path) => path.clone(),
        Place::Unnamed => named_after(&draw.prompt),
    };
    let path = number.map_or_else(|| path.clone(), |number| numbered(&path, number));
    // A name that is taken meanwhile, or was never asked for, is no reason to lose the picture.
    let existing = if draw.force {
        Existing::Replace
    } else {
        Existing::Number
    };
    match client.save(picture, Destination::new(&path).existing(existing)) {
        Ok(saved) => {
            let header = header_of(&saved.path).unwrap_or_default();
            let kind = described(&saved.media_type, saved.evidence, &header);
            tell(
                &saved.path,
                &kind,
                saved.length,
                &name_of_file(&path, &saved),
            );
            Ok(())
        }
        Err(SaveError::Fetch(error)) => Err(unfetched(&error, client, picture)),
        Err(SaveError::Picture(error)) => Err(no_picture(error, client, picture)),
        Err(SaveError::File { path, error }) => Err(unwritten(client, picture, &path, &error)),
        Err(error) => Err(unwritten(client, picture, &path, &error)),
    }
}

fn fetched(client: &Client, picture: &GeneratedImage) -> Result<GeneratedImage, Failure> {
    let fetched = client
        .download(picture)
        .map_err(|error| unfetched(&error, client, picture))?;
    match fetched.media_type() {
        Ok(_) => Ok(fetched),
        Err(error) => Err(no_picture(error, client, picture)),
    }
}

fn unfetched(error: &Error, client: &Client, picture: &GeneratedImage) -> Failure {
    let url = picture.url_from(client.target().base()).unwrap_or_default();
    Failure::of_download(&Unfetched::Call(error), &url)
}

/// What is no picture: the model sent none, or the host that it names for it does not give it.
fn no_picture(error: PictureError, client: &Client, picture: &GeneratedImage) -> Failure {
    match picture.url_from(client.target().base()) {
        Some(url) => Failure::of_download(&Unfetched::NoPicture(&error), &url),
        None => error.into(),
    }
}

/// A picture that has been paid for and cannot be written where it belongs: kept elsewhere, if it
/// can be.
fn unwritten(
    client: &Client,
    picture: &GeneratedImage,
    path: &Path,
    error: &dyn fmt::Display,
) -> Failure {
    let path = path.display();
    Failure::new(
        Kind::Failed,
        match keep_elsewhere(client, picture) {
            Some(kept) => format!(
                "{path} cannot be written: {error}; the picture is in {}",
                kept.path.display()
            ),
            None => match picture.url_from(client.target().base()) {
                Some(url) => format!(
                    "{path} cannot be written: {error}; nor can a temporary file; while it lasts the picture is at {url}"
                ),
                None => format!(
                    "{path} cannot be written: {error}; nor can a temporary file, and the picture is lost"
                ),
            },
        },
    )
}

/// Keeps a picture where only the user can get at it.
fn keep_elsewhere(client: &Client, picture: &GeneratedImage) -> Option<Saved> {
    let directory = tempfile::Builder::new().prefix("mesh-").tempdir().ok()?;
    interrupt::saves_in(directory.path());
    let saved = client.save(picture, directory.path().join("picture"));
    let saved = saved.ok()?;
    let _kept = directory.keep();
    Some(saved)
}

/// The beginning of a file, which has its header in it.
fn header_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    File::open(path)?.take(HEADER).read_to_end(&mut header)?;
    Ok(header)
}

/// More than any header has, with a preview and a profile before the size.
const HEADER: u64 = 4 << 20;

/// What an image is, and its size in pixels as its header states it.
fn described(media_type: &MediaType, evidence: Evidence, header: &[u8]) -> String {
    let evidence = if evidence == Evidence::Declared {
        " as declared"
    } else if is_xcode_png(header) {
        " in Xcode's form (CgBI), which models do not read"
    } else {
        ""
    };
    match Dimensions::read(header) {
        Some(size) => format!("{media_type}{evidence}, {size} pixels"),
        None => format!("{media_type}{evidence}, size unknown"),
    }
}

fn tell(path: &Path, kind: &str, length: u64, note: &str) {
    say(format_args!(
        "wrote {}: {kind}, {length} bytes{note}",
        path.display()
    ));
}

/// What is to be said of a file that has another name than was asked for.
fn name_of_file(asked: &Path, saved: &Saved) -> String {
    let Some(expected) = Destination::new(asked).names(&saved.media_type).next() else {
        return String::new();
    };
    let mut note = String::new();
    // An extension that is added goes without saying.
    let is_added = expected.file_stem() == asked.file_name();
    if expected != asked && !is_added {
        let right = expected.extension().unwrap_or_default().display();
        note = match asked.extension().filter(|it| !it.is_empty()) {
            Some(wrong) => format!(
                "; named .{right} and not .{}, as that is what it is",
                wrong.display()
            ),
            None => format!("; named .{right}, as that is what it is"),
        };
    }
    if saved.path != expected {
        note = format!("{note}; {} exists already", expected.display());
    }
    note
}

/// What is to be said of a pipe or a device whose name says otherwise than what is written to it.
fn name_of_device(path: &Path, media_type: &MediaType) -> &'static str {
    let named = Destination::new(path).names(media_type).next();
    if path.extension().is_none() || named.as_deref() == Some(path) {
        ""
    } else {
        "; its name says otherwise"
    }
}
