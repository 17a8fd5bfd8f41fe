//! Text on standard output, as it comes, and talk on standard error.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use mesh_blocking::ApiKey;
use mesh_blocking::proto::error::is_unprintable;

use crate::interrupt::is_ending;

/// What no line may show, whoever echoes it.
static SECRET: OnceLock<ApiKey> = OnceLock::new();

/// Keeps `key` out of everything that is said from now on.
pub(crate) fn keep_secret(key: &ApiKey) {
    // One command has one key.
    let _first = SECRET.set(key.clone());
}

/// Says a line on standard error. Whoever has closed it does not want to hear it. Nothing is said
/// any more once a signal is ending the command.
pub(crate) fn say(line: impl fmt::Display) {
    if !is_ending() {
        say_last(line);
    }
}

/// Says the last line.
pub(crate) fn say_last(line: impl fmt::Display) {
    // One line, whatever somebody else's text has in it.
    let mut line = line.to_string();
    if let Some(secret) = SECRET.get() {
        line = secret.redacted(&line).into_owned();
    }
    let mut shown = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            control if control.is_control() => shown.push(' '),
            format if is_unprintable(format) => shown.extend(format.escape_unicode()),
            other => shown.push(other),
        }
    }
    let _heard = writeln!(io::stderr(), "mesh: {shown}");
}

/// Writes text that somebody else made, piece by piece.
#[derive(Debug)]
pub(crate) struct Output {
    out: io::Stdout,
    is_terminal: bool,
    /// Whether anything visible has been written.
    pub(crate) shown: bool,
    at_line_start: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let out = io::stdout();
        let is_terminal = out.is_terminal();
        Self {
            out,
            is_terminal,
            shown: false,
            at_line_start: true,
        }
    }

    /// Writes a piece at once.
    pub(crate) fn piece(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.shown |= !text.trim().is_empty();
        self.at_line_start = text.ends_with('\n');
        if self.is_terminal {
            self.out.write_all(harmless(text).as_bytes())?;
        } else {
            self.out.write_all(text.as_bytes())?;
        }
        self.out.flush()
    }

    /// Ends the last line.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.at_line_start {
            Ok(())
        } else {
            self.piece("\n")
        }
    }
}

/// A text without what would let a model steer the terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_does_not_steer_the_terminal() {
        let steering = "a\u{1b}]0;title\u{7}b\u{1b}[2J\r\u{9b}31m\u{8}\u{7f}\tgr\u{fc}n\n";
        assert_eq!(harmless(steering), "a]0;titleb[2J31m\tgr\u{fc}n\n");
    }
}
