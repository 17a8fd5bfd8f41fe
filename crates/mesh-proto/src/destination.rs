//! Where a picture is to be saved, and under which name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::download::DownloadBounds;
use crate::image::MediaType;
use crate::image::extension::{self, Extension};

/// Where a client saves an image. A path is a destination. The file gets the extension of what the
/// image is: `fox` becomes `fox.png`, `fox.jpg` becomes `fox.png` if the image is a PNG, and
/// `fox.v2` becomes `fox.v2.png`, as `v2` is no extension. An existing file is not touched.
///
/// ```
/// use mesh_proto::destination::{Destination, Existing};
/// use mesh_proto::image::MediaType;
///
/// let to = Destination::new("fox").existing(Existing::Number);
/// let mut names = to.names(&MediaType::JPEG);
/// assert_eq!(names.next().as_deref(), Some("fox.jpg".as_ref()));
/// assert_eq!(names.next().as_deref(), Some("fox-2.jpg".as_ref()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    path: PathBuf,
    is_exact: bool,
    existing: Existing,
    bounds: DownloadBounds,
}

/// What becomes of a file that has the picture's name already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Existing {
    /// It stays, and the picture is not saved.
    #[default]
    Refuse,
    /// The picture takes its place, at once and whole. A link is replaced, and what it points to
    /// stays.
    Replace,
    /// It stays, and the picture gets the next name that is free: `fox-2.png`, up to 1000.
    Number,
}

impl Destination {
    /// A path, which gets the extension of what the image is: added if it has none, and in the place
    /// of one that is wrong.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            is_exact: false,
            existing: Existing::default(),
            bounds: DownloadBounds::default(),
        }
    }

    /// A path to the letter, whatever extension it has.
    pub fn exactly(path: impl Into<PathBuf>) -> Self {
        Self {
            is_exact: true,
            ..Self::new(path)
        }
    }

    /// Says what becomes of a file that has the name already. It stays, by default, and the picture
    /// is not saved.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Says what the download may do that a picture behind a URL takes.
    pub fn within(mut self, bounds: DownloadBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path as it was given, if it names the file to write, and no other name will do: saving
    /// fails before the image is fetched if a file has it. `None` if the extension is still to be
    /// added, or the file may be numbered.
    pub fn must_be_free(&self) -> Option<&Path> {
        let names_the_file = self.is_exact || extension::of(&self.path) != Extension::None;
        (names_the_file && self.existing == Existing::Refuse).then_some(&self.path)
    }

    /// What becomes of a file that has the name already.
    pub fn when_existing(&self) -> Existing {
        self.existing
    }

    /// What a download may do.
    pub fn bounds(&self) -> DownloadBounds {
        self.bounds
    }

    /// The names for a picture of this type, to be tried in turn.
    pub fn names(&self, media_type: &MediaType) -> impl Iterator<Item = PathBuf> + use<> {
        let path = if self.is_exact {
            self.path.clone()
        } else {
            extension::named_for(&self.path, media_type)
        };
        let is_exact = self.is_exact;
        let last = if self.existing == Existing::Number {
            1000
        } else {
            1
        };
        (1..=last).map(move |number| {
            if number == 1 {
                path.clone()
            } else if is_exact {
                with_number(&path, number, path.extension().is_some())
            } else {
                numbered(&path, number)
            }
        })
    }
}

impl<P: AsRef<Path> + ?Sized> From<&P> for Destination {
    fn from(path: &P) -> Self {
        Self::new(path.as_ref())
    }
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<String> for Destination {
    fn from(path: String) -> Self {
        Self::new(path)
    }
}

/// The path with a number before its extension: `fox-2.png`, `fox.v2-2`.
pub fn numbered(path: &Path, number: usize) -> PathBuf {
    with_number(path, number, extension::of(path) != Extension::None)
}

fn with_number(path: &Path, number: usize, has_extension: bool) -> PathBuf {
    let extension = path.extension().filter(|_| has_extension);
    let stem = match extension {
        Some(_) => path.file_stem(),
        None => path.file_name(),
    };
    let mut name = stem.map(OsString::from).unwrap_or_default();
    name.push(format!("-{number}"));
    if let Some(extension) = extension {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_is_that_of_the_image() {
        for (given, name) in [
            ("fox", "fox.png"),
            ("a.b/fox", "a.b/fox.png"),
            ("fox.png", "fox.png"),
            ("fox.PNG", "fox.PNG"),
            ("fox.jpg", "fox.png"),
            ("fox.JPEG", "fox.png"),
            ("fox.webp", "fox.png"),
            ("fox.heic", "fox.png"),
            ("fox.pdf", "fox.png"),
            ("fox.txt", "fox.png"),
            ("a.b/fox.jpg", "a.b/fox.png"),
            ("fox.v2", "fox.v2.png"),
            ("fox.v2.jpg", "fox.v2.png"),
            ("fox 2026.11.28", "fox 2026.11.28.png"),
            ("St. Bernard", "St. Bernard.png"),
            ("fox.", "fox.png"),
            (".fox", ".fox.png"),
            (".jpg", ".jpg.png"),
        ] {
            let names: Vec<_> = Destination::from(given).names(&MediaType::PNG).collect();
            assert_eq!(names, [Path::new(name)], "{given}");
        }
        for (given, media_type) in [
            ("fox.jpg", MediaType::JPEG),
            ("fox.jpeg", MediaType::JPEG),
            ("fox.JPE", MediaType::JPEG),
            ("fox.tif", MediaType::TIFF),
            ("fox.tiff", MediaType::TIFF),
            ("fox.heif", MediaType::HEIC),
            ("fox.svg", MediaType::SVG),
            ("fox.x-new", MediaType::declared("image/x-new").unwrap()),
        ] {
            let names: Vec<_> = Destination::from(given).names(&media_type).collect();
            assert_eq!(names, [Path::new(given)], "{media_type}");
        }
        for given in ["fox", "fox.jpg", "fox.v2"] {
            let mut exact = Destination::exactly(given).names(&MediaType::PNG);
            assert_eq!(exact.next().as_deref(), Some(Path::new(given)));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_keeps_its_bytes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;

        for (given, name) in [
            (&b"f\xfcx"[..], &b"f\xfcx.png"[..]),
            (b"f\xfcx.jpg", b"f\xfcx.png"),
            (b"fox.\xfc", b"fox.\xfc.png"),
        ] {
            let (given, name) = (OsStr::from_bytes(given), OsStr::from_bytes(name));
            let mut names = Destination::new(given).names(&MediaType::PNG);
            assert_eq!(names.next(), Some(PathBuf::from(name)));
        }
    }

    #[test]
    fn a_name_must_be_free_if_it_is_the_files() {
        let free = |to: &Destination| to.must_be_free().map(Path::to_owned);
        for (given, must) in [
            ("fox.png", true),
            ("fox.jpg", true),
            ("fox", false),
            ("fox.v2", false),
        ] {
            let expected = must.then(|| PathBuf::from(given));
            assert_eq!(free(&Destination::new(given)), expected);
            assert_eq!(free(&Destination::exactly(given)), Some(given.into()));
            for existing in [Existing::Number, Existing::Replace] {
                assert_eq!(free(&Destination::new(given).existing(existing)), None);
            }
        }
    }

    #[test]
    fn numbers_come_before_the_ending_and_come_to_an_end() {
        let to = Destination::new("a.b/fox").existing(Existing::Number);
        let names: Vec<_> = to.names(&MediaType::PNG).collect();
        assert_eq!(names[1], Path::new("a.b/fox-2.png"));
        assert_eq!(
            (names.len(), &names[999]),
            (1000, &"a.b/fox-1000.png".into())
        );
        let exact = Destination::exactly("fox").existing(Existing::Number);
        let mut names = exact.names(&MediaType::PNG).skip(1);
        assert_eq!(names.next().as_deref(), Some(Path::new("fox-2")));
        for (given, second) in [("fox.v2", "fox.v2-2.png"), ("fox.jpg", "fox-2.png")] {
            let to = Destination::new(given).existing(Existing::Number);
            let mut names = to.names(&MediaType::PNG).skip(1);
            assert_eq!(names.next().as_deref(), Some(Path::new(second)));
        }
        assert_eq!(numbered("fox.v2".as_ref(), 3), Path::new("fox.v2-3"));
        assert_eq!(numbered("a/fox.jpg".as_ref(), 3), Path::new("a/fox-3.jpg"));
    }
}
