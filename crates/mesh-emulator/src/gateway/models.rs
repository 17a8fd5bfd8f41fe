//! The catalogue ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)): ids that programs use, each answered by the
//! emulator itself.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::operation::Operation;

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
    pub(super) const ALL: [Self; 5] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Embedding,
    ];

    /// The medium with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
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
    pub(super) name: &'static str,
    pub(super) brand: &'static str,
    pub(super) kind: Medium,
    pub(super) takes: &'static [Medium],
    pub(super) gives: &'static [Medium],
    pub(super) context: Option<u64>,
    pub(super) price: Price,
    /// What it does at the edits endpoint.
    pub(super) edits: &'static [Operation],
    /// Of a composite model: those that it is made of.
    pub(super) made_of: &'static [&'static str],
    /// What the caller pays less than others, in percent.
    pub(super) discount: u8,
    pub(super) age: Age,
    /// Whether it can be told how much to think.
    pub(super) thinks: Thinking,
}

/// Whether a model can be told how much to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    Fixed,
    Told,
}

/// Whether a model is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Current,
    /// Since a moment, in seconds since 1970; gone from a date on, as HTTP writes it.
    Deprecated(u64, &'static str),
}

/// Prices in micro-dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Price {
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
pub(super) const BOTH: &[Medium] = &[Medium::Text, Medium::Image];

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
        discount: 0,
        age: Age::Current,
        thinks: Thinking::Fixed,
    }
}

const SEEING: (Medium, &[Medium], &[Medium]) = (Medium::Text, BOTH, TEXT);
const READING: (Medium, &[Medium], &[Medium]) = (Medium::Text, TEXT, TEXT);
const DRAWING: (Medium, &[Medium], &[Medium]) = (Medium::Image, BOTH, IMAGE);
const PAINTING: (Medium, &[Medium], &[Medium]) = (Medium::Image, TEXT, IMAGE);
const TALKING_AND_DRAWING: (Medium, &[Medium], &[Medium]) = (Medium::Image, BOTH, BOTH);

pub(super) static CATALOGUE: [Model; 17] = [
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
    Model {
        thinks: Thinking::Told,
        ..model(
            "anthropic/claude-sonnet-4.5",
            "Claude Sonnet 4.5",
            "anthropic",
            SEEING,
            200_000,
            Price::Tokens(3_000_000, 15_000_000),
        )
    },
    Model {
        thinks: Thinking::Told,
        ..model(
            "google/gemini-2.5-flash",
            "Gemini 2.5 Flash",
            "google",
            SEEING,
            1_048_576,
            Price::Tokens(300_000, 2_500_000),
        )
    },
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
    Model {
        discount: 20,
        ..model(
            "deepseek/deepseek-chat-v3.1",
            "DeepSeek V3.1",
            "deepseek",
            READING,
            163_840,
            Price::Tokens(200_000, 800_000),
        )
    },
    Model {
        age: Age::Deprecated(1_782_864_000, "Fri, 01 Jan 2027 00:00:00 GMT"),
        ..model(
            "openai/gpt-4-turbo",
            "GPT-4 Turbo",
            "openai",
            SEEING,
            128_000,
            Price::Tokens(10_000_000, 30_000_000),
        )
    },
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
        thinks: Thinking::Told,
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

    /// What it takes: pictures too, where it edits them.
    pub(super) fn inputs(&self) -> &'static [Medium] {
        if self.edits.is_empty() {
            self.takes
        } else {
            BOTH
        }
    }

    /// Whether it costs nothing.
    pub(super) fn is_free(&self) -> bool {
        self.price == Price::Free
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

    /// Tells that it is on its way out, where it is ([protocol reference, section 1](mesh_proto::protocol#1-transport-authentication-headers)).
    pub(super) fn tell_age(&self, headers: &mut HeaderMap) {
        let Age::Deprecated(since, sunset) = self.age else {
            return;
        };
        if let Ok(since) = HeaderValue::from_str(&format!("@{since}")) {
            headers.insert(HeaderName::from_static("deprecation"), since);
        }
        headers.insert(
            HeaderName::from_static("sunset"),
            HeaderValue::from_static(sunset),
        );
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
        let paid = u128::from(100_u8.saturating_sub(self.discount));
        decimal(picodollars * paid, 14)
    }
}

/// `value` × 10⁻ᵈᵉᶜⁱᵐᵃˡˢ as plain decimal text without trailing zeros.
pub(super) fn decimal(value: u128, decimals: u32) -> String {
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
    pub(super) fn decimals_are_exact() {
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
        let discounted = Model::find("deepseek/deepseek-chat-v3.1").unwrap();
        assert_eq!(discounted.cost(1_000_000, 0, 0), "0.16");
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
