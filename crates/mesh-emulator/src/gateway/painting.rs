//! Pictures drawn as a chat request asks.

use bytes::Bytes;
use image::RgbaImage;
use image::imageops::{self, FilterType};
use mesh_proto::error::ErrorCode;

use super::chat_request::{DrawingOptions, Effort};
use super::errors::Refused;
use super::sizes::Size;
use crate::drawing::{self, CannotEncode, Codec};
use crate::vision::Sight;

/// The prompts that the emulator's policy forbids hold these words, in any case.
const FORBIDDEN: &str = "refuse this";

/// A picture as a PNG file.
#[derive(Clone, Debug)]
pub(super) struct Painted {
    pub(super) file: Bytes,
}

/// Whether the policy forbids a prompt.
pub(super) fn is_forbidden(prompt: &str) -> bool {
    prompt.to_lowercase().contains(FORBIDDEN)
}

/// The prompt, and the colours of the pictures that came with it, so that they count.
pub(super) fn prompt_with(question: &str, sights: &[Sight]) -> String {
    let mut prompt = question.trim().to_owned();
    for colour in sights.iter().flat_map(|sight| sight.colours.iter().take(2)) {
        prompt.push_str(", ");
        prompt.push_str(&colour.colour);
    }
    prompt
}

/// As many pictures as asked, each another one where the prompt leaves any choice.
pub(super) fn paint(prompt: &str, options: DrawingOptions) -> Result<Vec<Painted>, Refused> {
    let first = render(prompt, options.size, options.effort);
    let others = (1..options.count).map(|number| another(prompt, options, number, &first));
    let files: Result<Vec<Painted>, CannotEncode> = std::iter::once(encoded(&first))
        .chain(others.map(|picture| encoded(&picture)))
        .collect();
    files.map_err(|error| Refused::because(ErrorCode::InternalError, error.to_string()))
}

fn another(prompt: &str, options: DrawingOptions, number: u32, first: &RgbaImage) -> RgbaImage {
    // Spaces change nothing in what the prompt says, and make it another prompt.
    let spaces = " ".repeat(usize::try_from(number).unwrap_or_default());
    let prompt = format!("{prompt}{spaces}");
    let picture = render(&prompt, options.size, options.effort);
    if picture != *first {
        return picture;
    }
    // A prompt that fixes everything is framed in another way at least.
    let Size { width, height } = options.size;
    let margin = |side: u32| (side / 8).max(2);
    let larger = Size {
        width: width + margin(width),
        height: height + margin(height),
    };
    let sheet = render(&prompt, larger, options.effort);
    let left = margin(width) * (number % 3) / 2;
    let top = margin(height) * (number / 3 % 3) / 2;
    imageops::crop_imm(&sheet, left, top, width, height).to_image()
}

fn render(prompt: &str, size: Size, effort: Effort) -> RgbaImage {
    match effort {
        Effort::Full => drawing::draw(prompt, size.width, size.height),
        Effort::Draft => {
            let draft = drawing::draw(prompt, size.width.div_ceil(2), size.height.div_ceil(2));
            imageops::resize(&draft, size.width, size.height, FilterType::Nearest)
        }
    }
}

fn encoded(picture: &RgbaImage) -> Result<Painted, CannotEncode> {
    let file = drawing::encode(picture, Codec::Png, 90)?;
    Ok(Painted { file: file.into() })
}
