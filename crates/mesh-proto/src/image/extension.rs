//! The extension of a file's name, and the one that an image ought to have.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::media_type::MediaType;

/// What follows the last dot of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// The extension of a kind of file.
    Known,
    /// None, or a part of the name, as in `fox.v2`.
    None,
}

/// The extensions of images, by media type. The first of each line is the one that is given.
const IMAGES: [(&str, &[&str]); 15] = [
    ("image/png", &["png", "apng"]),
    (
        "image/jpeg",
        &["jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp"],
    ),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
    ("image/heic", &["heic", "heif", "hif", "heics", "heifs"]),
    ("image/heif", &["heif", "heic", "hif", "heics", "heifs"]),
    ("image/avif", &["avif", "avifs"]),
    ("image/tiff", &["tiff", "tif"]),
    ("image/bmp", &["bmp", "dib"]),
    ("image/svg+xml", &["svg", "svgz"]),
    ("image/jxl", &["jxl"]),
    ("image/x-icon", &["ico", "cur"]),
    ("image/vnd.adobe.photoshop", &["psd"]),
    ("image/jp2", &["jp2", "jpx", "jpf", "jpm"]),
    ("image/j2c", &["j2c", "j2k", "jpc"]),
];

/// Extensions of other files, which no image that is saved here has.
const OTHERS: [&str; 45] = [
    "ai", "arw", "bin", "cr2", "cr3", "csv", "dat", "dds", "dng", "doc", "docx", "eps", "exr",
    "gz", "hdr", "htm", "html", "image", "img", "json", "md", "mov", "mp3", "mp4", "nef", "out",
    "pbm", "pdf", "pgm", "pic", "pnm", "ppm", "ps", "qoi", "raw", "tar", "tga", "tmp", "txt",
    "wav", "webm", "xcf", "xml", "yaml", "zip",
];

/// Whether a name ends with an extension.
pub(crate) fn of(path: &Path) -> Extension {
    let Some(extension) = lower(path) else {
        return Extension::None;
    };
    let is_image = IMAGES
        .iter()
        .any(|(_, known)| known.contains(&extension.as_str()));
    if is_image || OTHERS.contains(&extension.as_str()) || extension.starts_with("x-") {
        Extension::Known
    } else {
        Extension::None
    }
}

/// The name that a file at `path` gets if it is an image of this type.
pub(crate) fn named_for(path: &Path, media_type: &MediaType) -> PathBuf {
    if fits(path, media_type) {
        return path.to_owned();
    }
    // A dot at the end is followed by no extension.
    let is_bare = path.extension().is_some_and(std::ffi::OsStr::is_empty);
    if is_bare || of(path) == Extension::Known {
        return path.with_extension(media_type.extension());
    }
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(media_type.extension());
    path.with_file_name(name)
}

/// Whether the name's extension is one of this type's.
fn fits(path: &Path, media_type: &MediaType) -> bool {
    let Some(extension) = lower(path) else {
        return false;
    };
    let listed = IMAGES.iter().find(|(name, _)| *name == media_type.as_str());
    extension == media_type.extension()
        || listed.is_some_and(|(_, known)| known.contains(&extension.as_str()))
}

fn lower(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}
