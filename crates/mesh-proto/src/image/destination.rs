//! Where a picture is to be saved, and under which name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::media_type::MediaType;
use crate::download::DownloadBounds;

/// Where a client saves a picture. A path is one: it gets the ending of what the picture is, unless
/// it has one, and no file that is there is touched.
///
/// ```
/// use mesh_proto::image::{Destination, Existing, MediaType};
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
    /// A path, which gets the ending of what the picture is if it has none.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            is_exact: false,
            existing: Existing::default(),
            bounds: DownloadBounds::default(),
        }
    }

    /// A path to the letter, whether it has an ending or not.
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

    /// The name, where it does not depend on what the picture is and no other will do.
    pub fn only_name(&self) -> Option<&Path> {
        let is_whole = self.is_exact || self.path.extension().is_some();
        (is_whole && self.existing != Existing::Number).then_some(&self.path)
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
    #[inline]
    pub fn names(&self, media_type: &MediaType) -> impl Iterator<Item = PathBuf> + use<> {
        let mut path = self.path.clone();
        if !self.is_exact && path.extension().is_none() {
            let mut name = OsString::from(path.file_name().unwrap_or_default());
            name.push(".");
            name.push(media_type.extension());
            path.set_file_name(name);
        }
        let last = if self.existing == Existing::Number {
            1000
        } else {
            1
        };
        (1..=last).map(move |number| {
            if number == 1 {
                path.clone()
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

/// The path with a number before its ending: `fox-2.png`.
#[inline]
pub fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(format!("-{number}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_added_where_there_is_none() {
        for (given, name) in [
            ("fox", "fox.png"),
            ("a.b/fox", "a.b/fox.png"),
            ("fox.jpg", "fox.jpg"),
            ("fox.v2", "fox.v2"),
            (".fox", ".fox.png"),
        ] {
            let names: Vec<_> = Destination::from(given).names(&MediaType::PNG).collect();
            assert_eq!(names, [Path::new(name)]);
        }
        let mut exact = Destination::exactly("fox").names(&MediaType::PNG);
        assert_eq!(exact.next().as_deref(), Some(Path::new("fox")));
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
    }
}
