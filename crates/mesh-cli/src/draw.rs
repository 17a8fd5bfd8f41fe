//! `mesh draw`: have a picture drawn.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use mesh_blocking::proto::chat::{ImageFormat, ImageOptions, Quality};
use mesh_blocking::proto::image::{Evidence, MediaType};
use mesh_blocking::{ChatRequest, Client, GeneratedImage};
use tempfile::NamedTempFile;

use crate::arguments::{Draw, FormatArgument, GatewayArguments};
use crate::failure::{Failure, Kind, Shown};
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
    let url = picture.remote_url().unwrap_or_default();
    let picture = client
        .download(picture)
        .map_err(|error| Failure::of_download(&error, url))?;
    let (media_type, _) = picture.media_type()?;
    let name = match place {
        Place::StandardOutput => {
            let mut out = io::stdout().lock();
            out.write_all(picture.bytes()?)?;
            return Ok(out.flush()?);
        }
        Place::Device(path) => {
            let written = OpenOptions::new()
                .write(true)
                .open(path)
                .and_then(|mut file| file.write_all(picture.bytes().map_err(io::Error::other)?));
            return written
                .map(|()| tell(path, &picture))
                .map_err(|error| unwritten(path, &picture, &error));
        }
        Place::Named(path) => path.clone(),
        Place::Unnamed => named_after(&draw.prompt, &media_type),
    };
    let path = number.map_or_else(|| name.clone(), |number| numbered(&name, number));
    if draw.force {
        return write(&path, &picture, Neighbour::Overwritten)
            .map_err(|error| unwritten(&path, &picture, &error));
    }
    // A name that is taken meanwhile, or was never asked for, is no reason to lose the picture.
    let others = (2..=1000).map(|number| numbered(&path, number));
    for candidate in std::iter::once(path.clone()).chain(others) {
        match write(&candidate, &picture, Neighbour::Kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map_err(|error| unwritten(&candidate, &picture, &error)),
        }
    }
    Err(unwritten(
        &path,
        &picture,
        &io::ErrorKind::AlreadyExists.into(),
    ))
}

/// A picture that has been paid for and cannot be written where it belongs: kept elsewhere, if it
/// can be.
fn unwritten(path: &Path, picture: &GeneratedImage, error: &io::Error) -> Failure {
    let kept = picture.bytes().ok().and_then(|bytes| {
        let ending = picture
            .media_type()
            .map_or_else(|_| String::new(), |(it, _)| format!(".{}", it.extension()));
        let mut file = tempfile::Builder::new()
            .prefix("mesh-")
            .suffix(&ending)
            .tempfile()
            .ok()?;
        file.write_all(bytes).ok()?;
        file.keep().ok().map(|(_, path)| path)
    });
    let path = path.display();
    Failure::new(
        Kind::Failed,
        match kept {
            Some(kept) => format!(
                "{path} cannot be written: {error}; the picture is in {}",
                kept.display()
            ),
            None => format!(
                "{path} cannot be written: {error}; nor can a temporary file, and the picture is lost"
            ),
        },
    )
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
            temporary(Path::new(".")).map_err(|error| {
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
        temporary(directory(&path)).map_err(|error| usage(&error.kind()))?;
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

/// What becomes of a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Neighbour {
    Kept,
    Overwritten,
}

/// Writes beside the place and moves there, so that nobody ever sees half a picture.
fn write(path: &Path, picture: &GeneratedImage, neighbour: Neighbour) -> io::Result<()> {
    let bytes = picture.bytes().map_err(io::Error::other)?;
    let mut file = temporary(directory(path))?;
    file.write_all(bytes)?;
    match neighbour {
        Neighbour::Kept => file.persist_noclobber(path),
        Neighbour::Overwritten => file.persist(path),
    }
    .map_err(|error| error.error)?;
    tell(path, picture);
    Ok(())
}

fn temporary(directory: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mesh-");
    // As any program would create it: the user's mask takes away what others may not.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

fn tell(path: &Path, picture: &GeneratedImage) {
    let (Ok((media_type, evidence)), Ok(bytes)) = (picture.media_type(), picture.bytes()) else {
        return;
    };
    let size = picture.dimensions().ok().flatten();
    let size = size.map_or_else(
        || "size unknown".to_owned(),
        |size| format!("{size} pixels"),
    );
    let declared = if evidence == Evidence::Declared {
        " as declared"
    } else {
        ""
    };
    let named = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    let other_name = if is_named_after(named, &media_type) {
        ""
    } else {
        "; its name says otherwise"
    };
    let length = bytes.len();
    say(format_args!(
        "wrote {}: {media_type}{declared}, {size}, {length} bytes{other_name}",
        path.display()
    ));
}

fn is_named_after(ending: &str, media_type: &MediaType) -> bool {
    ending.is_empty()
        || ending.eq_ignore_ascii_case(media_type.extension())
        || MediaType::declared(&format!("image/{ending}")).as_ref() == Some(media_type)
}

/// `a-watercolor-of-a-fox.png`
fn named_after(prompt: &str, media_type: &MediaType) -> PathBuf {
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
    PathBuf::from(format!("{stem}.{}", media_type.extension()))
}

/// `fox-2.png`
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}
