//! An edits request, read and checked field by field from JSON or a form ([protocol reference,
//! section 5.3](mesh_proto::protocol#53-image-edits)).

use std::collections::BTreeMap;

use mesh_proto::error::ErrorCode;
use serde_json::{Map, Number, Value};

use super::document::Document;
use super::drawing_options::DrawingOptions;
use super::errors::Refused;
use super::multipart::{self, Part};
use super::operation::Operation;
use super::sizes::Size;
use super::switches::EditsBody;
use super::validate::{self, Bounds, Fields, Problems};

/// A body as fields, and the files of a form beside them.
#[derive(Debug)]
pub(super) struct EditBody<'b> {
    fields: Document,
    files: BTreeMap<&'static str, Vec<&'b [u8]>>,
}

/// A request whose fields keep the rules, borrowed from its body.
#[derive(Debug)]
pub(super) struct EditRequest<'b> {
    pub(super) model: &'b str,
    pub(super) prompt: &'b str,
    pub(super) operation: Asked<'b>,
    pub(super) image: PictureField<'b>,
    pub(super) mask: Option<PictureField<'b>>,
    pub(super) references: Vec<PictureField<'b>>,
    pub(super) drawing: DrawingOptions,
    /// The size to give the result, where the request has one.
    pub(super) size: Option<SizeAsked>,
    pub(super) background: Backdrop,
    pub(super) upscale: Option<u32>,
    pub(super) expand: Option<f64>,
    /// In pixels.
    pub(super) feather: u32,
    /// Width to height, of `reframe`.
    pub(super) ratio: Option<(u32, u32)>,
}

/// The operation that is asked for; the list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked<'b> {
    Known(Operation),
    Unknown(&'b str),
}

/// A picture of a request.
#[derive(Debug)]
pub(super) struct PictureField<'b> {
    /// Where it stands: `reference_images[0]`.
    pub(super) place: String,
    pub(super) source: Source<'b>,
}

/// What stands for a picture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'b> {
    /// A data URL or bare base64.
    Text(&'b str),
    /// The file itself.
    File(&'b [u8]),
}

/// The size of the result.
#[derive(Clone, Copy, Debug)]
pub(super) enum SizeAsked {
    /// In pixels.
    Pixels(Size),
    /// The picture's own shape, with as many pixels as a resolution has.
    Resolution(Resolution),
}

/// A resolution that could be read, as the side of a square.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolution(Size);

impl Resolution {
    /// A size of this resolution in the shape of another one.
    pub(super) fn shaped(self, width: u32, height: u32) -> Option<Size> {
        Size { width, height }.at_resolution(&self.0.width.to_string())
    }
}

/// What shall be behind the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Backdrop {
    #[default]
    AsItIs,
    Transparent,
    Opaque,
}

/// The fields that hold pictures.
const PICTURES: [&str; 3] = ["image", "mask", "reference_images"];

/// The ratios of `reframe`.
const RATIOS: [(&str, (u32, u32)); 7] = [
    ("1:1", (1, 1)),
    ("3:4", (3, 4)),
    ("4:3", (4, 3)),
    ("9:16", (9, 16)),
    ("16:9", (16, 9)),
    ("2:3", (2, 3)),
    ("3:2", (3, 2)),
];

impl<'b> EditBody<'b> {
    /// Reads a body of the form that its content type tells; what has none is JSON. 400 where it is
    /// not of that form, 422 where the gateway does not take that form, 404 where it has no edits.
    pub(super) fn read(
        content_type: Option<&str>,
        body: &'b [u8],
        takes: EditsBody,
    ) -> Result<Self, Refused> {
        let form = content_type.filter(|it| multipart::is_form(it));
        match (takes, form) {
            (EditsBody::Absent, _) => Err(Refused::because(
                ErrorCode::NotFound,
                "This deployment has no edits.",
            )),
            (EditsBody::Json, Some(_)) => Err(Refused::not_an_object()),
            // Where only a form counts, JSON has none of its fields.
            (EditsBody::Multipart, None) => Ok(Self {
                fields: Document::of(Value::Object(Map::new())),
                files: BTreeMap::new(),
            }),
            (EditsBody::Either | EditsBody::Multipart, Some(content_type)) => {
                Self::of_form(content_type, body)
            }
            (EditsBody::Either | EditsBody::Json, None) => Ok(Self {
                fields: Document::read(body)?,
                files: BTreeMap::new(),
            }),
        }
    }

    fn of_form(content_type: &str, body: &'b [u8]) -> Result<Self, Refused> {
        let parts = multipart::parts(content_type, body).map_err(|reason| {
            let message = format!("There was an error parsing the body: {reason}.");
            Refused::because(ErrorCode::BadRequest, message)
        })?;
        let mut fields = Map::new();
        let mut files: BTreeMap<&'static str, Vec<&'b [u8]>> = BTreeMap::new();
        for part in parts {
            let name = part.name.strip_suffix("[]").unwrap_or(&part.name);
            let picture = PICTURES.into_iter().find(|it| *it == name);
            match picture {
                Some(picture) if is_file(&part) => {
                    files.entry(picture).or_default().push(part.bytes);
                }
                _ => add_text(&mut fields, name, &part)?,
            }
        }
        Ok(Self {
            fields: Document::of(Value::Object(fields)),
            files,
        })
    }
}

/// A part of a picture's name is a file unless it is plainly text.
fn is_file(part: &Part<'_>) -> bool {
    let is_text = part
        .content_type
        .as_deref()
        .is_none_or(|it| it == "text/plain");
    part.file_name.is_some() || !is_text || std::str::from_utf8(part.bytes).is_err()
}

fn add_text(fields: &mut Map<String, Value>, name: &str, part: &Part<'_>) -> Result<(), Refused> {
    let text = std::str::from_utf8(part.bytes).map_err(|_| {
        let message = format!("The field {name} is not UTF-8 text.");
        Refused::because(ErrorCode::BadRequest, message)
    })?;
    if name == "reference_images" {
        let list = fields
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(text.into());
        }
    } else {
        fields.insert(name.to_owned(), typed(name, text));
    }
    Ok(())
}

/// In a form everything is text; what shall be a number is read as one where it is one.
fn typed(name: &str, text: &str) -> Value {
    match name {
        "n" | "mask_feather" => text
            .trim()
            .parse::<Number>()
            .map_or_else(|_| text.into(), Value::Number),
        // An empty field of a form is one that was left out.
        "prompt" => text.into(),
        _ if text.is_empty() => Value::Null,
        _ => text.into(),
    }
}

impl<'b> EditRequest<'b> {
    /// Reads a body, or tells every rule that it breaks.
    pub(super) fn read(body: &'b EditBody<'b>) -> Result<Self, Refused> {
        validate::read(&body.fields, |fields, problems| {
            Self::read_fields(fields, body, problems)
        })
    }

    fn read_fields(fields: &Fields<'b>, body: &'b EditBody<'b>, problems: &mut Problems) -> Self {
        fields.text("quality_tier", problems);
        let operation = operation(fields, problems);
        let known = match operation {
            Asked::Known(operation) => Some(operation),
            Asked::Unknown(_) => None,
        };
        let backgrounds = [
            ("transparent", Backdrop::Transparent),
            ("opaque", Backdrop::Opaque),
            ("auto", Backdrop::AsItIs),
        ];
        let factors = [("x2", 2), ("x4", 4)];
        let request = Self {
            model: fields.required_text("model", problems).unwrap_or_default(),
            prompt: prompt(fields, known, problems),
            operation,
            image: image(fields, body, problems),
            mask: one_picture(fields, body, "mask", problems),
            references: references(fields, body, problems),
            drawing: DrawingOptions::read(fields, problems),
            size: size(fields, problems),
            background: fields
                .choice("background", &backgrounds, problems)
                .unwrap_or_default(),
            upscale: fields.choice("upscale_factor", &factors, problems),
            expand: expand(fields, problems),
            feather: feather(fields, problems),
            ratio: ratio(fields, known, problems),
        };
        if let Some(operation) = known {
            request.check_needs(operation, fields, problems);
        }
        request
    }

    fn check_needs(&self, operation: Operation, fields: &Fields<'b>, problems: &mut Problems) {
        if operation.gives_one() && self.drawing.count > 1 {
            let message = "Input should be less than or equal to 1";
            fields.tell("n", message, "less_than_equal", problems);
        }
        match operation {
            Operation::Upscale if !fields.has("upscale_factor") => {
                fields.missing("upscale_factor", problems);
            }
            Operation::Inpaint if self.mask.is_none() => fields.missing("mask", problems),
            Operation::Outpaint if self.mask.is_none() && self.expand.is_none() => {
                fields.missing("mask", problems);
            }
            Operation::Mix => match self.references.len() {
                0 => fields.missing("reference_images", problems),
                1..=3 => {}
                more => {
                    let message =
                        format!("List should have at most 3 items after validation, not {more}");
                    fields.tell("reference_images", message, "too_long", problems);
                }
            },
            _ if self.references.len() > MOST_REFERENCES => {
                let message =
                    format!("List should have at most {MOST_REFERENCES} items after validation");
                fields.tell("reference_images", message, "too_long", problems);
            }
            _ => {}
        }
    }
}

/// The most references of an operation that says nothing of its own, as `OpenAI`'s models take.
const MOST_REFERENCES: usize = 16;

fn operation<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Asked<'b> {
    match fields.text("operation", problems) {
        None => Asked::Known(Operation::Edit),
        Some(name) => Operation::named(name).map_or(Asked::Unknown(name), Asked::Known),
    }
}

fn prompt<'b>(
    fields: &Fields<'b>,
    operation: Option<Operation>,
    problems: &mut Problems,
) -> &'b str {
    if !operation.is_some_and(Operation::needs_prompt) {
        return fields.text("prompt", problems).unwrap_or_default();
    }
    let prompt = fields.required_text("prompt", problems);
    if prompt.is_some_and(|prompt| prompt.trim().is_empty()) {
        let message = "String should have at least 1 character";
        fields.tell("prompt", message, "string_too_short", problems);
    }
    prompt.unwrap_or_default()
}

fn image<'b>(
    fields: &Fields<'b>,
    body: &'b EditBody<'b>,
    problems: &mut Problems,
) -> PictureField<'b> {
    if fields.get("image").is_none() && !body.files.contains_key("image") {
        fields.missing("image", problems);
    }
    one_picture(fields, body, "image", problems).unwrap_or(PictureField {
        place: "image".to_owned(),
        source: Source::Text(""),
    })
}

fn one_picture<'b>(
    fields: &Fields<'b>,
    body: &'b EditBody<'b>,
    name: &'static str,
    problems: &mut Problems,
) -> Option<PictureField<'b>> {
    let place = name.to_owned();
    match body.files.get(name).map(Vec::as_slice) {
        Some([file]) => Some(PictureField {
            place,
            source: Source::File(file),
        }),
        Some(files) => {
            let message = format!(
                "List should have at most 1 item after validation, not {}",
                files.len()
            );
            fields.tell(name, message, "too_long", problems);
            None
        }
        None => {
            let source = fields.picture(name, problems)?;
            Some(PictureField {
                place,
                source: Source::Text(source),
            })
        }
    }
}

fn references<'b>(
    fields: &Fields<'b>,
    body: &'b EditBody<'b>,
    problems: &mut Problems,
) -> Vec<PictureField<'b>> {
    const NAME: &str = "reference_images";
    let files = body.files.get(NAME).into_iter().flatten();
    let texts = fields.pictures(NAME, problems);
    files
        .map(|file| Source::File(file))
        .chain(texts.into_iter().map(Source::Text))
        .enumerate()
        .map(|(index, source)| PictureField {
            place: format!("{NAME}[{index}]"),
            source,
        })
        .collect()
}

/// The size that `size` gives, else `aspect_ratio` and `resolution`, as with generations; none
/// where nothing is said, for a picture has a size of its own.
fn size(fields: &Fields<'_>, problems: &mut Problems) -> Option<SizeAsked> {
    let resolution = fields.text("resolution", problems);
    let size = fields.get("size").and_then(Value::as_str);
    let size = size.filter(|it| !it.trim().eq_ignore_ascii_case("auto"));
    if let Some(size) = size.and_then(Size::read) {
        return Some(SizeAsked::Pixels(size));
    }
    let ratio = fields.get("aspect_ratio").and_then(Value::as_str);
    let shape = ratio.and_then(Size::read);
    let scaled = resolution.map(|it| (it, shape.unwrap_or(Size::AUTO).at_resolution(it)));
    match (scaled, shape) {
        (Some((text, Some(size))), None) if Size::read(text).is_none() => {
            Some(SizeAsked::Resolution(Resolution(size)))
        }
        (Some((_, Some(size))), _) | (_, Some(size)) => Some(SizeAsked::Pixels(size)),
        _ => None,
    }
}

fn expand(fields: &Fields<'_>, problems: &mut Problems) -> Option<f64> {
    const NAME: &str = "expand_factor";
    let number = match fields.get(NAME)? {
        Value::String(text) => {
            let number = text.trim().parse::<f64>().ok().filter(|it| it.is_finite());
            if number.is_none() {
                let message = "Input should be a valid number, unable to parse string as a number";
                fields.tell(NAME, message, "float_parsing", problems);
            }
            number?
        }
        _ => return fields.number(NAME, Bounds::Above(0.0), problems),
    };
    if number <= 0.0 {
        let message = "Input should be greater than 0";
        fields.tell(NAME, message, "greater_than", problems);
        return None;
    }
    Some(number)
}

fn feather(fields: &Fields<'_>, problems: &mut Problems) -> u32 {
    let pixels = fields.number("mask_feather", Bounds::AtLeast(0.0), problems);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion saturates, and the bound excludes what is below 0"
    )]
    pixels.map_or(0, |pixels| pixels.round() as u32)
}

fn ratio(
    fields: &Fields<'_>,
    operation: Option<Operation>,
    problems: &mut Problems,
) -> Option<(u32, u32)> {
    if operation != Some(Operation::Reframe) {
        fields.text("aspect_ratio", problems);
        return None;
    }
    if fields.get("aspect_ratio").is_none() {
        fields.missing("aspect_ratio", problems);
    }
    fields.choice("aspect_ratio", &RATIOS, problems)
}
