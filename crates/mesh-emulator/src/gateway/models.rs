//! The catalogue (protocol reference, section 9): ids that programs use, each answered by the
//! emulator itself.

use mesh_proto::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::errors::{FieldProblem, Refused};
use super::operation::Operation;
use super::switches::{ModelListShape, Pricing};

/// What a model takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    Text,
    Image,
    Audio,
    Video,
    Embedding,
}

impl Medium {
    const ALL: [Self; 5] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Embedding,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Embedding => "embedding",
        }
    }
}

/// A model of the catalogue.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) id: &'static str,
    name: &'static str,
    brand: &'static str,
    kind: Medium,
    takes: &'static [Medium],
    gives: &'static [Medium],
    context: Option<u64>,
    price: Price,
    /// What it does at the edits endpoint.
    pub(super) edits: &'static [Operation],
    /// Of a composite model: those that it is made of.
    made_of: &'static [&'static str],
}

/// Prices in micro-dollars.
#[derive(Clone, Copy, Debug)]
enum Price {
    Free,
    /// Per million tokens in and out.
    Tokens(u64, u64),
    /// Per picture.
    Picture(u64),
    /// Per second.
    Second(u64),
}

const TEXT: &[Medium] = &[Medium::Text];
const IMAGE: &[Medium] = &[Medium::Image];
const BOTH: &[Medium] = &[Medium::Text, Medium::Image];

const fn model(
    id: &'static str,
    name: &'static str,
    brand: &'static str,
    (kind, takes, gives): (Medium, &'static [Medium], &'static [Medium]),
    context: u64,
    price: Price,
) -> Model {
    Model {
        id,
        name,
        brand,
        kind,
        takes,
        gives,
        context: if context == 0 { None } else { Some(context) },
        price,
        edits: &[],
        made_of: &[],
    }
}

const SEEING: (Medium, &[Medium], &[Medium]) = (Medium::Text, BOTH, TEXT);
const READING: (Medium, &[Medium], &[Medium]) = (Medium::Text, TEXT, TEXT);
const DRAWING: (Medium, &[Medium], &[Medium]) = (Medium::Image, BOTH, IMAGE);
const PAINTING: (Medium, &[Medium], &[Medium]) = (Medium::Image, TEXT, IMAGE);
const TALKING_AND_DRAWING: (Medium, &[Medium], &[Medium]) = (Medium::Image, BOTH, BOTH);

static CATALOGUE: [Model; 16] = [
    model(
        "openai/gpt-4o",
        "GPT-4o",
        "openai",
        SEEING,
        128_000,
        Price::Tokens(2_500_000, 10_000_000),
    ),
    model(
        "openai/gpt-4o-mini",
        "GPT-4o mini",
        "openai",
        SEEING,
        128_000,
        Price::Tokens(150_000, 600_000),
    ),
    model(
        "anthropic/claude-sonnet-4.5",
        "Claude Sonnet 4.5",
        "anthropic",
        SEEING,
        200_000,
        Price::Tokens(3_000_000, 15_000_000),
    ),
    model(
        "google/gemini-2.5-flash",
        "Gemini 2.5 Flash",
        "google",
        SEEING,
        1_048_576,
        Price::Tokens(300_000, 2_500_000),
    ),
    model(
        "gemma-3-27b-it",
        "Gemma 3 27B",
        "google",
        SEEING,
        131_072,
        Price::Tokens(90_000, 160_000),
    ),
    model(
        "meta-llama/llama-3.2-11b-vision-instruct:free",
        "Llama 3.2 11B Vision (free)",
        "meta",
        SEEING,
        131_072,
        Price::Free,
    ),
    model(
        "deepseek/deepseek-chat-v3.1",
        "DeepSeek V3.1",
        "deepseek",
        READING,
        163_840,
        Price::Tokens(200_000, 800_000),
    ),
    Model {
        edits: Operation::OF_OPENAI,
        ..model(
            "openai/gpt-image-1",
            "GPT Image 1",
            "openai",
            DRAWING,
            0,
            Price::Picture(42_000),
        )
    },
    Model {
        edits: Operation::OF_OPENAI,
        ..model(
            "openai/gpt-image-1-mini",
            "GPT Image 1 mini",
            "openai",
            DRAWING,
            0,
            Price::Picture(11_000),
        )
    },
    Model {
        made_of: &["openai/gpt-4o", "openai/gpt-image-1"],
        ..model(
            "openai/gpt-5.4-image",
            "GPT-5.4 Image",
            "openai",
            TALKING_AND_DRAWING,
            272_000,
            Price::Tokens(5_000_000, 20_000_000),
        )
    },
    Model {
        edits: Operation::OF_GEMINI,
        ..model(
            "google/gemini-2.5-flash-image",
            "Gemini 2.5 Flash Image",
            "google",
            TALKING_AND_DRAWING,
            32_768,
            Price::Tokens(300_000, 2_500_000),
        )
    },
    Model {
        edits: Operation::OF_VERTEX,
        ..model(
            "google/imagen-4-fast",
            "Imagen 4 Fast",
            "google",
            PAINTING,
            0,
            Price::Picture(20_000),
        )
    },
    Model {
        edits: Operation::OF_BYTEPLUS,
        ..model(
            "bytedance/seedream-4.0",
            "Seedream 4.0",
            "bytedance",
            DRAWING,
            0,
            Price::Picture(30_000),
        )
    },
    model(
        "openai/text-embedding-3-small",
        "Text Embedding 3 small",
        "openai",
        (Medium::Embedding, TEXT, &[Medium::Embedding]),
        8_191,
        Price::Tokens(20_000, 0),
    ),
    model(
        "google/veo-3.1-fast",
        "Veo 3.1 Fast",
        "google",
        (Medium::Video, BOTH, &[Medium::Video]),
        0,
        Price::Second(150_000),
    ),
    model(
        "openai/gpt-4o-mini-tts",
        "GPT-4o mini TTS",
        "openai",
        (Medium::Audio, TEXT, &[Medium::Audio]),
        2_000,
        Price::Tokens(600_000, 12_000_000),
    ),
];

impl Model {
    /// The model with this id; case matters.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|model| model.id == id)
    }

    /// Whether it answers with text.
    pub(super) fn writes(&self) -> bool {
        self.gives.contains(&Medium::Text)
    }

    /// Whether it takes pictures.
    pub(super) fn sees(&self) -> bool {
        self.takes.contains(&Medium::Image)
    }

    /// Whether it gives pictures.
    pub(super) fn draws(&self) -> bool {
        self.gives.contains(&Medium::Image)
    }

    /// Whether `OpenAI` makes it, which is who knows service tiers.
    pub(super) fn is_openai(&self) -> bool {
        self.brand == "openai"
    }

    /// Whether it is one of Google's Imagen models, which give base64 and no usage.
    pub(super) fn is_imagen(&self) -> bool {
        self.id.starts_with("google/imagen")
    }

    /// Whether it draws in chat and fails at the images endpoint, as was observed of composite
    /// models and Gemini's image models.
    pub(super) fn fails_at_images(&self) -> bool {
        !self.made_of.is_empty() || self.id.starts_with("google/gemini")
    }

    /// How many tokens a conversation may have.
    pub(super) fn context(&self) -> Option<u64> {
        self.context
    }

    /// What an answer costs, in dollars as decimal text.
    pub(super) fn cost(&self, tokens_in: u64, tokens_out: u64, pictures: u64) -> String {
        let picodollars = match self.price {
            Price::Free | Price::Second(_) => 0,
            Price::Tokens(input, output) => {
                u128::from(tokens_in) * u128::from(input)
                    + u128::from(tokens_out) * u128::from(output)
            }
            Price::Picture(each) => u128::from(pictures) * u128::from(each) * 1_000_000,
        };
        decimal(picodollars, 12)
    }

    fn row(&self, pricing: Pricing) -> Value {
        let names = |media: &[Medium]| media.iter().map(|it| it.name()).collect::<Vec<_>>();
        let takes = if self.edits.is_empty() {
            self.takes
        } else {
            BOTH
        };
        let mut row = json!({
            "id": self.id,
            "name": self.name,
            "context_length": self.context,
            "context_window": self.context,
            "is_free": matches!(self.price, Price::Free),
            "pricing": self.pricing(pricing),
            "model_type": self.kind.name(),
            "input_modalities": names(takes),
            "output_modalities": names(self.gives),
            "brand": self.brand,
            "provider": PROVIDER,
            "description": "Answered by the emulator, which measures pictures and draws them, and by no model.",
            "is_composite": !self.made_of.is_empty(),
            "composite_models": self.made_of,
            "supports_completions_api": self.writes() || self.draws(),
            "supports_system_prompt": true,
            "supports_structured_output": self.writes(),
            "supports_tools": false,
            "supports_thinking": false,
            "supports_responses_api": false,
            "supports_realtime": false,
            "supports_embeddings": false,
            "supports_batching": false,
            "supports_video_generation": false,
            "supports_flex": self.is_openai(),
            "supports_image_reference": self.draws() && self.sees(),
        });
        if let Some(row) = row.as_object_mut() {
            for operation in Operation::ALL {
                let name = format!("supports_image_{}", operation.name());
                row.insert(name, self.edits.contains(&operation).into());
            }
        }
        row
    }

    fn pricing(&self, pricing: Pricing) -> Value {
        let per_million = |micro: u64| decimal(u128::from(micro), 6);
        let per_thousand = |micro: u64| decimal(u128::from(micro), 9);
        let fields = match (pricing, self.price) {
            // The oddities are the live catalogue's.
            (Pricing::Current, Price::Free) => json!({
                "pricing_unit": "per_1m_tokens", "input_usd_per_unit": "0E-10", "output_usd_per_unit": "0E-8",
                "request_usd": "None",
            }),
            (Pricing::Current, Price::Tokens(input, output)) => json!({
                "pricing_unit": "per_1m_tokens", "input_usd_per_unit": per_million(input),
                "output_usd_per_unit": per_million(output), "request_usd": null,
            }),
            (Pricing::Current, Price::Picture(each)) => json!({
                "pricing_unit": "per_image", "input_usd_per_unit": "None", "output_usd_per_unit": per_million(each),
                "image_output_usd_per_image": per_million(each), "image_input_usd_per_image": null,
                "image_output_size": "1024x1024", "request_usd": null,
            }),
            (Pricing::Current, Price::Second(each)) => json!({
                "pricing_unit": "per_second", "input_usd_per_unit": null, "output_usd_per_unit": per_million(each),
            }),
            (Pricing::Legacy, Price::Free) => {
                json!({"prompt_usd_per_1k": "0E-10", "completion_usd_per_1k": "0E-8", "image_usd_per_image": "None"})
            }
            (Pricing::Legacy, Price::Tokens(input, output)) => json!({
                "prompt_usd_per_1k": per_thousand(input), "completion_usd_per_1k": per_thousand(output), "image_usd_per_image": null,
            }),
            (Pricing::Legacy, Price::Picture(each)) => json!({
                "prompt_usd_per_1k": "None", "completion_usd_per_1k": "None", "image_usd_per_image": per_million(each),
            }),
            (Pricing::Legacy, Price::Second(_)) => {
                json!({"prompt_usd_per_1k": null, "completion_usd_per_1k": null, "image_usd_per_image": null})
            }
        };
        let mut fields: Map<String, Value> = fields.as_object().cloned().unwrap_or_default();
        fields.insert("discount_pct".to_owned(), Value::Null);
        Value::Object(fields)
    }
}

const PROVIDER: &str = "mesh-emulator";

/// The rows that the query's filters leave. `provider` names a brand, or the emulator itself.
pub(super) fn list(query: &str, shape: ModelListShape, pricing: Pricing) -> Result<Value, Refused> {
    let filters = Filters::read(query)?;
    let rows: Vec<Value> = CATALOGUE
        .iter()
        .filter(|model| filters.leave(model))
        .map(|model| model.row(pricing))
        .collect();
    Ok(match shape {
        ModelListShape::Array => rows.into(),
        ModelListShape::Data => json!({"object": "list", "data": rows}),
    })
}

/// The row of one model.
pub(super) fn get(id: &str, pricing: Pricing) -> Result<Value, Refused> {
    let model = Model::find(id).ok_or_else(|| {
        Refused::because(
            ErrorCode::ModelNotFound,
            format!("No model has the id {id:?}."),
        )
    })?;
    Ok(model.row(pricing))
}

#[derive(Default)]
struct Filters {
    free: Option<bool>,
    kind: Option<Medium>,
    provider: Option<String>,
}

impl Filters {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut filters = Self::default();
        let mut problems = Vec::new();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = value.replace('+', " ");
            let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
            match name {
                "free" => match value.to_ascii_lowercase().as_str() {
                    "true" | "1" | "yes" | "on" => filters.free = Some(true),
                    "false" | "0" | "no" | "off" => filters.free = Some(false),
                    _ => problems.push(problem(
                        name,
                        "Input should be a valid boolean, unable to interpret input",
                        "bool_parsing",
                    )),
                },
                "type" => match Medium::ALL.into_iter().find(|it| it.name() == value) {
                    Some(kind) => filters.kind = Some(kind),
                    None => problems.push(problem(
                        name,
                        "Input should be 'text', 'image', 'audio', 'video' or 'embedding'",
                        "enum",
                    )),
                },
                "provider" => filters.provider = Some(value.into_owned()),
                _ => {}
            }
        }
        if problems.is_empty() {
            Ok(filters)
        } else {
            Err(Refused::Fields(problems))
        }
    }

    fn leave(&self, model: &Model) -> bool {
        self.free
            .is_none_or(|free| free == matches!(model.price, Price::Free))
            && self.kind.is_none_or(|kind| kind == model.kind)
            && self
                .provider
                .as_deref()
                .is_none_or(|wanted| wanted == PROVIDER || wanted == model.brand)
    }
}

fn problem(name: &str, message: &str, kind: &'static str) -> FieldProblem {
    FieldProblem {
        place: vec!["query".into(), name.into()],
        message: message.to_owned(),
        kind,
    }
}

/// `value` × 10⁻ᵈᵉᶜⁱᵐᵃˡˢ as plain decimal text without trailing zeros.
fn decimal(value: u128, decimals: u32) -> String {
    let scale = 10_u128.saturating_pow(decimals);
    let width = usize::try_from(decimals).unwrap_or_default();
    let fraction = format!("{:0width$}", value % scale);
    match fraction.trim_end_matches('0') {
        "" => (value / scale).to_string(),
        digits => format!("{}.{digits}", value / scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (value, decimals, text) in [
            (0, 12, "0"),
            (2_500_000, 6, "2.5"),
            (42_000, 6, "0.042"),
            (1, 12, "0.000000000001"),
            (10_000_000, 6, "10"),
        ] {
            assert_eq!(decimal(value, decimals), text);
        }
        let model = Model::find("openai/gpt-4o").unwrap();
        assert_eq!(model.cost(1000, 100, 0), "0.0035");
    }

    #[test]
    fn ids_are_unique_and_what_a_composite_is_made_of_exists() {
        for (place, model) in CATALOGUE.iter().enumerate() {
            assert!(
                CATALOGUE
                    .iter()
                    .skip(place + 1)
                    .all(|other| other.id != model.id)
            );
            assert!(model.made_of.iter().all(|id| Model::find(id).is_some()));
        }
    }
}
