//! `mesh draw`: have a picture drawn.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mesh_blocking::proto::chat::{ImageFormat, ImageOptions, Quality};
use mesh_blocking::proto::image::{Evidence, MediaType};
use mesh_blocking::{ChatReply, ChatRequest, GeneratedImage};

use crate::arguments::{Draw, FormatArgument, GatewayArguments};
use crate::failure::{Failure, Kind, Shown};
use crate::gateway::Gateway;

pub(crate) fn run(draw: &Draw, gateway: &GatewayArguments) -> Result<(), Failure> {
    if draw.prompt.trim().is_empty() {
        return Err(Failure::new(Kind::Usage, "the prompt is empty"));
    }
    // Whatever can be told to go wrong is told before the picture costs anything.
    if let Some(path) = &draw.output {
        check_free(path, draw.force)?;
    }
    let gateway = Gateway::open(gateway)?;
    let client = &gateway.client;
    let failed = |error| Failure::of_call(&error, client.target(), Shown::Nothing);
    let reply = client
        .chat()
        .completions()
        .create(&request(draw))
        .map_err(failed)?;
    let pictures = reply.images();
    if pictures.is_empty() {
        return Err(no_picture(&reply));
    }
    let count = pictures.len();
    for (index, picture) in pictures.iter().enumerate() {
        let picture = client.download(picture).map_err(failed)?;
        let (media_type, _) = picture.media_type()?;
        let path = match &draw.output {
            Some(path) => path.clone(),
            None => named_after(&draw.prompt, &media_type),
        };
        let path = if count > 1 {
            numbered(&path, index + 1)
        } else {
            path
        };
        write(&path, &picture, draw.force)?;
    }
    Ok(())
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

/// A model that answers in prose instead says why in it.
fn no_picture(reply: &ChatReply) -> Failure {
    let text = reply.refusal().unwrap_or_else(|| reply.text());
    let message = if text.trim().is_empty() {
        "the model sent no picture".to_owned()
    } else {
        format!("the model sent no picture but says: {}", text.trim())
    };
    Failure::new(Kind::Declined, message)
}

fn check_free(path: &Path, force: bool) -> Result<(), Failure> {
    let usage =
        |message: &str| Failure::new(Kind::Usage, format_args!("{}: {message}", path.display()));
    if path.is_dir() || path.file_name().is_none() {
        return Err(usage("a directory, not a file to write"));
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(usage("is there already; --force overwrites it"));
    }
    if !directory(path).is_dir() {
        return Err(usage("its directory does not exist"));
    }
    Ok(())
}

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes beside the place and moves there, so that nobody ever sees half a picture.
fn write(path: &Path, picture: &GeneratedImage, force: bool) -> Result<(), Failure> {
    check_free(path, force)?;
    let bytes = picture.bytes()?;
    let failed = |error: &std::io::Error| Failure::of_file(path, error);
    let mut file = tempfile::Builder::new()
        .prefix(".mesh-")
        .tempfile_in(directory(path))
        .map_err(|error| failed(&error))?;
    file.write_all(bytes).map_err(|error| failed(&error))?;
    let placed = if force {
        file.persist(path)
    } else {
        file.persist_noclobber(path)
    };
    placed.map_err(|error| failed(&error.error))?;
    say(path, picture)
}

fn say(path: &Path, picture: &GeneratedImage) -> Result<(), Failure> {
    let (media_type, evidence) = picture.media_type()?;
    let size = picture.dimensions()?.map_or_else(
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
    let bytes = picture.bytes()?.len();
    eprintln!(
        "mesh: wrote {}: {media_type}{declared}, {size}, {bytes} bytes{other_name}",
        path.display()
    );
    Ok(())
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
