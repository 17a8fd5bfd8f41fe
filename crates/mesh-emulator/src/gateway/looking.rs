//! The pictures of a conversation, decoded and looked at.

use std::borrow::Cow;

use mesh_proto::error::ErrorCode;
use mesh_proto::image::{DataUrl, Dimensions, MediaType, describe};

use super::chat_request::{ChatRequest, Detail, PictureIn, Role};
use super::errors::Refused;
use super::pictures::Pictures;
use super::record::PictureSeen;
use crate::vision::{self, Sight};

/// What was seen of a conversation's pictures.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The pictures that the answer is about.
    pub(super) sights: Vec<Sight>,
    /// What all pictures amount to in tokens.
    pub(super) tokens: u64,
    /// For the page: every picture that came in.
    pub(super) record: Vec<PictureSeen>,
}

/// Where the pictures of URLs are found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'s> {
    pub(super) pictures: &'s Pictures,
    /// The gateway's own host and port, as the caller names it.
    pub(super) host: Option<&'s str>,
}

/// Looks at the pictures of the last message that has any; those before it are told apart only,
/// for they were looked at when they came. What is noted stays noted where one is broken.
pub(super) fn look_at_all(
    request: &ChatRequest<'_>,
    sources: Sources<'_>,
    seen: &mut Seen,
) -> Result<(), Refused> {
    let current = request.pictures();
    let turns = request
        .turns
        .iter()
        .filter(|turn| turn.role != Role::Assistant);
    for picture in turns.flat_map(|turn| &turn.pictures) {
        let bytes = bytes_of(picture, sources)?;
        let media_type = MediaType::sniff(&bytes);
        let size = Dimensions::read(&bytes);
        seen.record.push(PictureSeen {
            kind: describe(&bytes).into_owned(),
            size: size.map(|size| (size.width, size.height)),
            bytes: bytes.len(),
        });
        if current.iter().any(|it| std::ptr::eq(it, picture)) {
            let sight =
                vision::look(&bytes).map_err(|reason| broken(picture, &reason.to_string()))?;
            seen.tokens += tokens(sight.width, sight.height, picture.detail);
            seen.sights.push(sight);
        } else if let (Some(true), Some(size)) = (media_type.map(|it| it.is_portable()), size) {
            seen.tokens += tokens(size.width, size.height, picture.detail);
        } else {
            return Err(broken(picture, &format!("this is {}", describe(&bytes))));
        }
    }
    Ok(())
}

fn bytes_of<'s>(picture: &PictureIn<'_>, sources: Sources<'s>) -> Result<Cow<'s, [u8]>, Refused> {
    let url = picture.url.trim();
    if DataUrl::is_data_url(url) {
        let read = DataUrl::parse(url).and_then(|parsed| parsed.decode());
        return read
            .map(Cow::Owned)
            .map_err(|reason| broken(picture, &reason.to_string()));
    }
    let Some(rest) = without_scheme(url) else {
        return Err(Refused::because(
            ErrorCode::InvalidInput,
            format!(
                "{}: the url is neither a data: URL nor an http(s): URL. A bare base64 string is not recognised in chat; write data:image/png;base64, before it.",
                picture.place
            ),
        ));
    };
    let own = rest
        .split_once('/')
        .filter(|(host, _)| {
            sources
                .host
                .is_some_and(|own| own.eq_ignore_ascii_case(host))
        })
        .and_then(|(_, path)| path.strip_prefix("pictures/"));
    match own {
        Some(name) => sources
            .pictures
            .find(name)
            .map(|bytes| Cow::Borrowed(&bytes[..]))
            .ok_or_else(|| {
                Refused::because(
                    ErrorCode::InvalidRequest,
                    format!(
                        "{}: that picture is not, or no longer, hosted here.",
                        picture.place
                    ),
                )
            }),
        None => Err(Refused::because(
            ErrorCode::InvalidRequest,
            format!(
                "{}: the emulator has no network and cannot fetch a remote URL. Send the picture as a data: URL.",
                picture.place
            ),
        )),
    }
}

fn without_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    ["http", "https"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it))
        .then_some(rest)
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
