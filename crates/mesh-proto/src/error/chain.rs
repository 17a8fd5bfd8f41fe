//! An error with its causes, on one line.

use std::error::Error as StdError;
use std::fmt;

/// Shows an error and all of its causes: `cannot connect: connection refused`.
///
/// An error of these crates says its own part, values of these crates included. What failed
/// beneath (a file, a connection, a parser) is its [`source`](StdError::source), and is not
/// repeated in its text. So an error is printed for people by its chain, with this or with what a
/// crate such as `anyhow` has for it.
///
/// ```
/// use mesh_proto::error::{BuildError, chain};
///
/// let error = BuildError::from(http::HeaderName::try_from("a b").map_err(http::Error::from).unwrap_err());
/// assert_eq!(error.to_string(), "a header cannot be written");
/// assert_eq!(chain(&error).to_string(), "a header cannot be written: invalid HTTP header name");
/// ```
pub fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl fmt::Display + use<'e> {
    Chain(error)
}

struct Chain<'e>(&'e (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Errors of other crates may repeat their cause.
            if !last.contains(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl StdError for Layer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn every_cause_is_shown_once() {
        let layers = |texts: &[&'static str]| {
            texts.iter().rev().fold(None, |inner, text| {
                Some(Box::new(Layer(text, inner.map(|it: Box<Layer>| it))))
            })
        };
        for (texts, shown) in [
            (&["a"][..], "a"),
            (&["a", "b", "c"], "a: b: c"),
            (&["outer: inner", "inner", "root"], "outer: inner: root"),
            (&["same", "same"], "same"),
        ] {
            let error = layers(texts).unwrap();
            assert_eq!(chain(error.as_ref()).to_string(), shown);
        }
    }
}
