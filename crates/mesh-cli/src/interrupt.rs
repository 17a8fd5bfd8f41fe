//! A signal that ends the command (Ctrl-C, SIGINT, SIGTERM): the temporary files are removed, what
//! may be billed is said, and the exit code is 128 and the signal's number. A second signal ends
//! the command at once.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use mesh_blocking::Outcome;
use mesh_blocking::image::abandon_drafts;

use crate::output::say_last;

/// Whether a signal has arrived, so that the command's own end no longer counts.
static ENDING: AtomicBool = AtomicBool::new(false);

static WORK: Mutex<Work> = Mutex::new(Work {
    cost: Cost::None,
    directory: None,
});

/// What the command is doing.
#[derive(Debug)]
struct Work {
    cost: Cost,
    /// A directory of the command's own, in which an image is about to be saved.
    directory: Option<PathBuf>,
}

/// What the gateway may bill.
#[derive(Debug)]
enum Cost {
    /// Nothing, or nothing yet.
    None,
    /// A request is under way.
    Asked {
        /// Whether an attempt that has ended may be billed.
        attempts: Billing,
        /// The end of a wait before a retry.
        waits_until: Option<Instant>,
    },
    /// Images that were generated and are not saved, with the URLs of those that have one.
    Unsaved(Vec<Option<String>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Billing {
    Nothing,
    Possible,
}

/// Handles signals from now on.
#[cfg(unix)]
pub(crate) fn watch() -> io::Result<()> {
    use std::sync::Arc;

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{flag, iterator::Signals};

    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone())?;
        flag::register(signal, is_second.clone())?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(128 + signal);
        }
    })?;
    Ok(())
}

/// Handles Ctrl-C from now on.
#[cfg(windows)]
pub(crate) fn watch() -> io::Result<()> {
    ctrlc::set_handler(|| end(130)).map_err(io::Error::other)
}

#[cfg(not(any(unix, windows)))]
pub(crate) fn watch() -> io::Result<()> {
    Ok(())
}

/// Whether a signal is ending the command.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::SeqCst)
}

/// Leaves the end to the signal that has arrived, if one has.
pub(crate) fn yield_to_signal() {
    while is_ending() {
        thread::park();
    }
}

/// A request that may be billed is about to be sent.
pub(crate) fn asks() {
    work().cost = Cost::Asked {
        attempts: Billing::Nothing,
        waits_until: None,
    };
}

/// An attempt has failed, and the next one begins at `until`.
pub(crate) fn waits(until: Instant, outcome: Outcome) {
    if let Cost::Asked {
        attempts,
        waits_until,
    } = &mut work().cost
    {
        *waits_until = Some(until);
        if matches!(outcome, Outcome::Unknown | Outcome::Delivered) {
            *attempts = Billing::Possible;
        }
    }
}

/// Images were generated, and are about to be saved one after another.
pub(crate) fn has_images(urls: impl IntoIterator<Item = Option<String>>) {
    work().cost = Cost::Unsaved(urls.into_iter().collect());
}

/// The next of the images is saved, or its fate is known.
pub(crate) fn is_done_with_image() {
    if let Cost::Unsaved(urls) = &mut work().cost
        && !urls.is_empty()
    {
        urls.remove(0);
    }
}

/// An image is about to be saved in a directory of the command's own.
pub(crate) fn saves_in(directory: &Path) {
    work().directory = Some(directory.to_owned());
}

fn end(code: i32) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    abandon_drafts();
    let work = work();
    if let Some(directory) = &work.directory {
        // Only if it is empty: an image that is in it stays.
        let _kept = fs::remove_dir(directory);
    }
    say_last(&work.cost);
    process::exit(code)
}

fn work() -> MutexGuard<'static, Work> {
    WORK.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = match self {
            Self::None => return f.write_str("interrupted; nothing is billed"),
            Self::Asked {
                attempts,
                waits_until,
            } => {
                let waits = waits_until.is_some_and(|until| Instant::now() < until);
                return f.write_str(if waits && *attempts == Billing::Nothing {
                    "interrupted before a retry; no attempt was carried out, and nothing is billed"
                } else {
                    "interrupted; the request may have been carried out, and it may be billed"
                });
            }
            Self::Unsaved(urls) => urls,
        };
        match urls.len() {
            0 => return f.write_str("interrupted; what is billed was saved"),
            1 => f.write_str("interrupted; an image was made and is billed, but is not saved")?,
            count => write!(
                f,
                "interrupted; {count} images were made and are billed, but are not saved"
            )?,
        }
        let mut lead = "; for as long as the host keeps it: ";
        for url in urls.iter().flatten() {
            write!(f, "{lead}{url}")?;
            lead = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_may_be_billed_is_said() {
        let asked = |attempts, waits_until| Cost::Asked {
            attempts,
            waits_until,
        };
        let later = Some(Instant::now() + Duration::from_secs(3600));
        let url = || Some("https://host.test/1.png".to_owned());
        for (cost, said) in [
            (Cost::None, "nothing is billed"),
            (asked(Billing::Nothing, None), "may be billed"),
            (
                asked(Billing::Nothing, Some(Instant::now())),
                "may be billed",
            ),
            (asked(Billing::Nothing, later), "nothing is billed"),
            (asked(Billing::Possible, later), "may be billed"),
            (Cost::Unsaved(vec![]), "what is billed was saved"),
            (Cost::Unsaved(vec![None]), "is billed, but is not saved"),
            (Cost::Unsaved(vec![url()]), "https://host.test/1.png"),
            (Cost::Unsaved(vec![None, url()]), "2 images were made"),
        ] {
            let text = cost.to_string();
            assert!(text.contains(said), "{text}");
        }
    }
}
