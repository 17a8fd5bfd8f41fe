//! The operations of image edits ([protocol reference, section 5.3](mesh_proto::protocol#53-image-edits)).

/// What is done to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Edit,
    RemoveBackground,
    Upscale,
    Outpaint,
    Mix,
    Reframe,
    Inpaint,
}

impl Operation {
    pub(super) const ALL: [Self; 7] = [
        Self::Edit,
        Self::Inpaint,
        Self::Outpaint,
        Self::Mix,
        Self::Reframe,
        Self::Upscale,
        Self::RemoveBackground,
    ];

    /// Of `OpenAI`'s image models.
    pub(super) const OF_OPENAI: &[Self] =
        &[Self::Edit, Self::RemoveBackground, Self::Mix, Self::Inpaint];

    /// Of Gemini's image models.
    pub(super) const OF_GEMINI: &[Self] = &[Self::Mix, Self::Reframe];

    /// Of the image models on Vertex.
    pub(super) const OF_VERTEX: &[Self] = &[
        Self::Edit,
        Self::RemoveBackground,
        Self::Upscale,
        Self::Outpaint,
        Self::Inpaint,
    ];

    /// Of the image models of `BytePlus`.
    pub(super) const OF_BYTEPLUS: &[Self] = &[Self::Edit, Self::Upscale];

    /// Its name in requests; the catalogue has it after `supports_image_`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::RemoveBackground => "remove_background",
            Self::Upscale => "upscale",
            Self::Outpaint => "outpaint",
            Self::Mix => "mix",
            Self::Reframe => "reframe",
            Self::Inpaint => "inpaint",
        }
    }

    /// The operation with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether it has to be told what to draw.
    pub(super) fn needs_prompt(self) -> bool {
        matches!(self, Self::Edit | Self::Outpaint | Self::Mix)
    }

    /// Whether it gives one picture only.
    pub(super) fn gives_one(self) -> bool {
        matches!(self, Self::Mix | Self::Reframe)
    }
}
