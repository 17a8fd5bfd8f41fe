//! An images request, read and checked field by field ([protocol reference, section 5.1](mesh_proto::protocol#51-image-generations)).

use serde_json::Value;

use super::delivery::Delivery;
use super::document::Document;
use super::drawing_options::DrawingOptions;
use super::errors::Refused;
use super::sizes::Size;
use super::validate::{self, Bounds, Fields, Problems};
use crate::drawing::Codec;

/// A request whose fields keep the rules, borrowed from its body.
#[derive(Debug)]
pub(super) struct ImageRequest<'b> {
    pub(super) prompt: &'b str,
    pub(super) model: Option<&'b str>,
    pub(super) drawing: DrawingOptions,
    /// As it stands, for it is an open list.
    pub(super) quality: Option<&'b str>,
    pub(super) codec: Codec,
    /// 0 to 100.
    pub(super) compression: u8,
    pub(super) background: Background,
    pub(super) seed: Seed,
    /// Each a data URL, base64, or a URL.
    pub(super) references: Vec<&'b str>,
    /// How many earlier states of a picture a stream shall have.
    pub(super) partial_images: u32,
    pub(super) delivery: Delivery,
}

/// What is behind the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Background {
    #[default]
    AsPrompted,
    Transparent,
    Opaque,
}

/// What the choices of a picture come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seed {
    /// The prompt alone.
    Prompt,
    /// This number, too.
    Number(u32),
    /// Another number each time, which −1 asks for.
    Chance,
}

impl<'b> ImageRequest<'b> {
    /// Reads a body, or tells every rule that it breaks.
    pub(super) fn read(body: &'b Document) -> Result<Self, Refused> {
        validate::read(body, Self::read_fields)
    }

    fn read_fields(fields: &Fields<'b>, problems: &mut Problems) -> Self {
        check_unused(fields, problems);
        let codecs = [
            ("png", Codec::Png),
            ("jpeg", Codec::Jpeg),
            ("webp", Codec::Webp),
        ];
        let backgrounds = [
            ("transparent", Background::Transparent),
            ("opaque", Background::Opaque),
            ("auto", Background::AsPrompted),
        ];
        let compression =
            fields.integer("output_compression", Bounds::Between(0.0, 100.0), problems);
        let partial_images = fields.integer("partial_images", Bounds::Between(0.0, 3.0), problems);
        Self {
            prompt: fields.required_text("prompt", problems).unwrap_or_default(),
            model: fields.text("model", problems),
            drawing: drawing(fields, problems),
            quality: fields.get("quality").and_then(Value::as_str),
            codec: fields
                .choice("output_format", &codecs, problems)
                .unwrap_or(Codec::Png),
            compression: compression
                .and_then(|percent| u8::try_from(percent).ok())
                .unwrap_or(100),
            background: fields
                .choice("background", &backgrounds, problems)
                .unwrap_or_default(),
            seed: seed(fields, problems),
            references: fields.text_or_texts("image", problems),
            partial_images: partial_images
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(0),
            delivery: Delivery::read(fields, problems),
        }
    }
}

/// The fields whose form counts and which change nothing in what the emulator draws.
fn check_unused(fields: &Fields<'_>, problems: &mut Problems) {
    let levels = ["low", "auto"].map(|it| (it, ()));
    fields.choice("moderation", &levels, problems);
    fields.number("guidance_scale", Bounds::Between(1.0, 10.0), problems);
    fields.boolean("watermark", problems);
    let modes = ["auto", "disabled"].map(|it| (it, ()));
    fields.choice("sequential_image_generation", &modes, problems);
    fields.object("sequential_image_generation_options", problems);
    fields.object("optimize_prompt_options", problems);
}

/// The options, with the size that `size` gives, else `aspect_ratio` and `resolution`. These two
/// are open: what they say counts where it can be read.
fn drawing(fields: &Fields<'_>, problems: &mut Problems) -> DrawingOptions {
    let options = DrawingOptions::read(fields, problems);
    let ratio = fields.text("aspect_ratio", problems);
    let resolution = fields.text("resolution", problems);
    let is_open = fields
        .get("size")
        .and_then(Value::as_str)
        .is_none_or(|size| size.trim().eq_ignore_ascii_case("auto"));
    if !is_open {
        return options;
    }
    let shape = ratio.and_then(Size::read).unwrap_or(options.size);
    let size = resolution.and_then(|it| shape.at_resolution(it));
    DrawingOptions {
        size: size.unwrap_or(shape),
        ..options
    }
}

fn seed(fields: &Fields<'_>, problems: &mut Problems) -> Seed {
    match fields.integer("seed", Bounds::Between(-1.0, 2_147_483_647.0), problems) {
        Some(number) => u32::try_from(number).map_or(Seed::Chance, Seed::Number),
        None => Seed::Prompt,
    }
}
