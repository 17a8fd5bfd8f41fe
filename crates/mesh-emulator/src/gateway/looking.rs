//! The pictures of a request, decoded and looked at.

use mesh_proto::error::ErrorCode;
use mesh_proto::image::{Dimensions, MediaType, describe};

use super::chat_request::ChatRequest;
use super::chat_turns::{Detail, PictureIn, Role};
use super::circumstances::Circumstances;
use super::errors::Refused;
use super::record::PictureSeen;
use super::sources::NoBytes;
use crate::vision::{self, CannotSee, Sight};

/// What was seen of a request's pictures.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The pictures that the answer is about.
    pub(super) sights: Vec<Sight>,
    /// What all pictures amount to in tokens.
    pub(super) tokens: u64,
    /// For the page: every picture that came in.
    pub(super) record: Vec<PictureSeen>,
    /// How many pixels were decoded.
    pixels: u64,
}

/// The most pictures of a request.
const MOST_PICTURES: usize = 500;

/// The most pixels that are decoded for a request: those of the largest picture, twice.
const MOST_PIXELS: u64 = 2 * vision::MOST_PIXELS;

impl Seen {
    /// Notes for the page that a picture came, and tells its size. Refuses more than
    /// [`MOST_PICTURES`].
    pub(super) fn note(&mut self, bytes: &[u8]) -> Result<Option<Dimensions>, Refused> {
        if self.record.len() >= MOST_PICTURES {
            let message = format!("The request has more than {MOST_PICTURES} pictures.");
            return Err(Refused::because(ErrorCode::InvalidRequest, message));
        }
        let size = Dimensions::read(bytes);
        let seen = PictureSeen::new(bytes, size, &self.record);
        self.record.push(seen);
        Ok(size)
    }

    /// Counts the pixels of a picture that is about to be decoded. Refuses more than
    /// [`MOST_PIXELS`].
    pub(super) fn reserve(&mut self, size: Dimensions) -> Result<(), Refused> {
        let area = u64::from(size.width).saturating_mul(size.height.into());
        // One that is too large by itself is told as that, and is not decoded.
        if area <= vision::MOST_PIXELS {
            self.pixels = self.pixels.saturating_add(area);
        }
        if self.pixels <= MOST_PIXELS {
            return Ok(());
        }
        let most = MOST_PIXELS / 1_000_000;
        let message =
            format!("The pictures of the request have more than {most} million pixels together.");
        Err(Refused::because(ErrorCode::InvalidInput, message))
    }

    /// Counts a picture that is not looked at.
    pub(super) fn count(&mut self, width: u32, height: u32, detail: Detail) {
        self.tokens += tokens(width, height, detail);
    }

    /// Looks at a picture that the answer is about.
    pub(super) fn look(
        &mut self,
        bytes: &[u8],
        detail: Detail,
        refused: impl FnOnce(&CannotSee) -> Refused,
    ) -> Result<(), Refused> {
        if let Some(size) = Dimensions::read(bytes) {
            self.reserve(size)?;
        }
        let sight = vision::look(bytes).map_err(|reason| refused(&reason))?;
        self.tokens += tokens(sight.width, sight.height, detail);
        self.sights.push(sight);
        Ok(())
    }
}

/// Looks at the pictures of the last message that has any; those before it are told apart only,
/// for they were looked at when they came. What is noted stays noted where one is broken.
pub(super) fn look_at_all(
    request: &ChatRequest<'_>,
    circumstances: &Circumstances<'_>,
    seen: &mut Seen,
) -> Result<(), Refused> {
    let sources = circumstances.sources();
    let current = request.pictures();
    let turns = request
        .turns
        .iter()
        .filter(|turn| turn.role != Role::Assistant);
    for picture in turns.flat_map(|turn| &turn.pictures) {
        let bytes = sources
            .bytes_of(picture.url)
            .map_err(|reason| no_bytes(reason, picture))?;
        let media_type = MediaType::sniff(&bytes);
        let size = seen.note(&bytes)?;
        circumstances.wanted.check()?;
        if current.iter().any(|it| std::ptr::eq(it, picture)) {
            seen.look(&bytes, picture.detail, |reason| {
                broken(picture, &reason.to_string())
            })?;
        } else if let (Some(true), Some(size)) = (media_type.map(|it| it.is_portable()), size) {
            seen.tokens += tokens(size.width, size.height, picture.detail);
        } else {
            return Err(broken(picture, &format!("this is {}", describe(&bytes))));
        }
    }
    Ok(())
}

fn no_bytes(reason: NoBytes, picture: &PictureIn<'_>) -> Refused {
    match reason {
        NoBytes::Broken(reason) => broken(picture, &reason),
        NoBytes::NoUrl => broken(
            picture,
            "the url is neither a data: URL nor an http(s): URL. A bare base64 string is not recognised in chat; write data:image/png;base64, before it",
        ),
        NoBytes::Elsewhere(reason) => Refused::because(
            ErrorCode::InvalidRequest,
            format!("{}: {reason}", picture.place),
        ),
    }
}

fn broken(picture: &PictureIn<'_>, reason: &str) -> Refused {
    Refused::because(
        ErrorCode::InvalidInput,
        format!("{}: {reason}.", picture.place),
    )
}

/// OpenAI's rule: 85 tokens, and at high detail 170 for each tile of 512 pixels, once the picture
/// is fitted into 2048 and its shorter side to 768.
fn tokens(width: u32, height: u32, detail: Detail) -> u64 {
    if detail == Detail::Low {
        return 85;
    }
    let (mut long, mut short) = (
        u64::from(width.max(height)).max(1),
        u64::from(width.min(height)).max(1),
    );
    if long > 2048 {
        short = (short * 2048 / long).max(1);
        long = 2048;
    }
    if short > 768 {
        long = long * 768 / short;
        short = 768;
    }
    85 + 170 * long.div_ceil(512) * short.div_ceil(512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_the_published_rule() {
        for (width, height, detail, expected) in [
            (1024, 1024, Detail::High, 765),
            (2048, 4096, Detail::High, 1105),
            (4096, 8192, Detail::Low, 85),
            (1, 1, Detail::High, 255),
            (u32::MAX, 1, Detail::High, 765),
        ] {
            assert_eq!(tokens(width, height, detail), expected, "{width}x{height}");
        }
    }
}
