//! The temporary files of this process. A program that a signal ends runs no destructors, so the
//! files are listed where it can still remove them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// Whether files may be created and put into their places. Held for reading while one is.
static GATE: RwLock<Gate> = RwLock::new(Gate::Open);

static FILES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
}

/// Removes the temporary files of all images that this process is saving, and lets no more be
/// saved: for a program that is about to exit because of a signal. An image that is in its place
/// already stays there.
///
/// Waits for a file that is being put into its place at this moment.
pub fn abandon_drafts() {
    let mut gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
    *gate = Gate::Closed;
    for file in std::mem::take(&mut *files()) {
        // It may be in its place already.
        let _gone = fs::remove_file(file);
    }
}

/// Creates a temporary file, which is listed from then on.
pub(super) fn create(
    create: impl FnOnce() -> io::Result<(File, PathBuf)>,
) -> io::Result<(File, PathBuf)> {
    while_open(|| {
        let (file, path) = create()?;
        files().insert(path.clone());
        Ok((file, path))
    })
}

/// Puts a temporary file into its place, which is done whole or not at all.
pub(super) fn place<T>(place: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    while_open(place)
}

/// Removes a temporary file, if it is still there, from the disk and from the list.
pub(super) fn remove(path: &Path) {
    // It is gone if it was renamed. If it cannot be removed, nothing more can be done here.
    let _gone = fs::remove_file(path);
    files().remove(path);
}

fn while_open<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let gate = GATE.read().unwrap_or_else(PoisonError::into_inner);
    match *gate {
        Gate::Open => act(),
        Gate::Closed => Err(io::ErrorKind::Interrupted.into()),
    }
}

fn files() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}
