//! `mesh draw`: have a picture drawn.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use mesh_blocking::image::{Destination, Existing, SaveError, Saved};
use mesh_blocking::proto::chat::{ImageFormat, ImageOptions, Quality};
use mesh_blocking::proto::image::{
    Dimensions, Evidence, MediaType, PictureError, is_xcode_png, numbered,
};
use mesh_blocking::{ChatRequest, Client, Error, GeneratedImage};

use crate::arguments::{Draw, FormatArgument, GatewayArguments};
use crate::failure::{Failure, Kind, Shown, Unfetched};
use crate::gateway::Gateway;
use crate::output::say;

pub(crate) fn run(draw: &Draw, gateway: &GatewayArguments) -> Result<(), Failure> {
    if draw.prompt.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "the prompt is empty"));
    }
    // Whatever can be told to go wrong is told before the picture costs anything.
    let place = Place::find(draw)?;
    let gateway = Gateway::open(gateway)?;
    let client = &gateway.client;
    let reply = client
        .chat()
        .completions()
        .create(&request(draw))
        .map_err(|error| Failure::of_call(&error, client.target(), Shown::Nothing))?;
    let pictures = reply
        .drawn()
        .map_err(|absence| Failure::new(Kind::Declined, absence))?;
    // What has been paid for is kept: one picture that fails does not cost the others.
    let mut failure = None;
    for (index, picture) in pictures.iter().enumerate() {
        let number = if pictures.len() > 1 {
            Some(index + 1)
        } else {
            None
        };
        if let Err(error) = keep(draw, &place, client, picture, number)
            && let Some(earlier) = failure.replace(error)
        {
            earlier.report();
        }
    }
    failure.map_or(Ok(()), Err)
}

fn keep(
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
                    tell(path, &media_type, &kind, bytes.len() as u64);
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
    let to = match place {
        Place::Unnamed => Destination::new(&path),
        _ => Destination::exactly(&path),
    };
    // A name that is taken meanwhile, or was never asked for, is no reason to lose the picture.
    let existing = if draw.force {
        Existing::Replace
    } else {
        Existing::Number
    };
    match client.save(picture, to.existing(existing)) {
        Ok(saved) => {
            let header = header_of(&saved.path).unwrap_or_default();
            let kind = described(&saved.media_type, saved.evidence, &header);
            tell(&saved.path, &saved.media_type, &kind, saved.length);
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
    let saved = client.save(picture, directory.path().join("picture"));
    let saved = saved.ok()?;
    let _kept = directory.keep();
    Some(saved)
}

/// Where a picture goes.
#[derive(Debug)]
enum Place {
    StandardOutput,
    /// A pipe or a device, which is written to and never replaced.
    Device(PathBuf),
    Named(PathBuf),
    /// In this directory, named after the prompt.
    Unnamed,
}

impl Place {
    /// Finds out before anything is sent whether the picture can be written.
    fn find(draw: &Draw) -> Result<Self, Failure> {
        let Some(path) = &draw.output else {
            tempfile::tempfile_in(".").map_err(|error| {
                Failure::new(
                    Kind::Usage,
                    format_args!("this directory: {}", error.kind()),
                )
            })?;
            return Ok(Self::Unnamed);
        };
        let usage = |message: &dyn std::fmt::Display| {
            Failure::new(Kind::Usage, format_args!("{}: {message}", path.display()))
        };
        if path.as_os_str() == "-" {
            return if io::stdout().is_terminal() {
                Err(Failure::new(
                    Kind::Usage,
                    "standard output is a terminal, which shows no picture",
                ))
            } else {
                Ok(Self::StandardOutput)
            };
        }
        let ends_as_directory = path
            .as_os_str()
            .to_string_lossy()
            .ends_with(std::path::is_separator);
        if path.is_dir() || path.file_name().is_none() || ends_as_directory {
            return Err(usage(&"a directory, not a file to write"));
        }
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Ok(Self::Device(path.clone()));
        }
        if !draw.force && path.symlink_metadata().is_ok() {
            return Err(usage(&"is there already; --force overwrites it"));
        }
        if !directory(path).is_dir() {
            return Err(usage(&"its directory does not exist"));
        }
        // What a link points to is what is meant.
        let path = path.canonicalize().unwrap_or_else(|_| path.clone());
        tempfile::NamedTempFile::new_in(directory(&path)).map_err(|error| usage(&error.kind()))?;
        Ok(Self::Named(path))
    }
}

fn request(draw: &Draw) -> ChatRequest {
    let mut options = ImageOptions::new().size(&draw.size);
    options.quality = draw.quality.as_deref().map(Quality::from);
    options.response_format = draw.response_format.map(|format| match format {
        FormatArgument::Url => ImageFormat::Url,
        FormatArgument::B64Json => ImageFormat::B64Json,
    });
    ChatRequest::new(&draw.model)
        .image(options)
        .user(draw.prompt.as_str())
}

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
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

fn tell(path: &Path, media_type: &MediaType, kind: &str, length: u64) {
    let named = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let other_name = if is_named_after(named, media_type) {
        ""
    } else {
        "; its name says otherwise"
    };
    say(format_args!(
        "wrote {}: {kind}, {length} bytes{other_name}",
        path.display()
    ));
}

fn is_named_after(ending: &str, media_type: &MediaType) -> bool {
    ending.is_empty()
        || ending.eq_ignore_ascii_case(media_type.extension())
        || MediaType::declared(&format!("image/{ending}")).as_ref() == Some(media_type)
}

/// `a-watercolor-of-a-fox`
fn named_after(prompt: &str) -> PathBuf {
    let words = prompt
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut stem = words.take(8).collect::<Vec<_>>().join("-").to_lowercase();
    while stem.len() > 60 {
        stem.pop();
    }
    if stem.is_empty() {
        stem.push_str("picture");
    }
    PathBuf::from(stem)
}
