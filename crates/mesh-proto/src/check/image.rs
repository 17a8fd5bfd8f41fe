//! A request to draw.

use super::cost::{Listed, Prices};
use super::{Cost, Examination, Report, Severity};
use crate::chat::Modality;
use crate::excerpt::excerpt;
use crate::images::{Background, ImageRequest, OutputFormat, SequentialGeneration};
use crate::models::{Capability, Feature, Model};
use crate::usd::Usd;

impl ImageRequest {
    /// Holds the request against what the catalogue says of `model`, and against the gateway's
    /// limits ([protocol reference, section 5.1](crate::protocol#51-image-generations) and [section 8](crate::protocol#8-limits-timeouts-retries)), offline: body size, pictures to go by, kinds
    /// of output, abilities. It advises, and never blocks.
    ///
    /// [`Report::cost`] is the catalogue's price of a picture times `n`, with what is charged beside
    /// it; none where the price is of another size than is asked for.
    ///
    /// ```
    /// use mesh_proto::images::ImageRequest;
    /// use mesh_proto::models::Model;
    ///
    /// let model: Model = serde_json::from_str(
    ///     r#"{"id":"acme/brush","pricing":{"pricing_unit":"per_image","output_usd_per_unit":"0.042"}}"#,
    /// )?;
    /// let mut request = ImageRequest::new("acme/brush", "A fox");
    /// request.n = Some(3);
    /// let report = request.check(&model);
    /// assert_eq!(report.cost().and_then(|cost| cost.exact()).map(|it| it.as_str()), Some("0.126"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn check(&self, model: &Model) -> Report {
        let mut examination = Examination::new(model);
        examination.built(self.validate());
        examination.model(self.model.as_deref());
        examination.output("model", &Modality::Image);
        examination.drawing(self);
        for (place, image) in self.references.iter().enumerate() {
            let field = match self.references.len() {
                1 => "image".to_owned(),
                _ => format!("image[{place}]"),
            };
            examination.picture(&field, image);
        }
        if !self.references.is_empty() {
            examination.needs(
                "image",
                &Feature::ImageReference,
                "they may be refused or ignored",
            );
        }
        examination.body(self);
        examination.report.cost = cost(self, model);
        examination.finish()
    }

    /// Whether a size is asked for that is not the one that a price is for.
    fn is_of_other_size(&self, listed: &Listed<'_>) -> bool {
        let Some(priced) = &listed.0.image_output_size else {
            return false;
        };
        let plain = |size: &str| size.trim().to_ascii_lowercase().replace('\u{d7}', "x");
        let other = |asked: &Option<String>| {
            let asked = asked.as_deref().map(plain);
            asked.is_some_and(|asked| asked != "auto" && asked != plain(priced))
        };
        other(&self.size) || other(&self.resolution) || self.aspect_ratio.is_some()
    }
}

impl Examination<'_> {
    fn drawing(&mut self, request: &ImageRequest) {
        let talks_too = self.model.gives(&Modality::Text) == Capability::Yes
            && self.model.draws() == Capability::Yes;
        if self.model.is_composite == Some(true) || talks_too {
            self.find(
                Severity::Warning,
                "model",
                "models that talk and draw were seen to fail here: ask them in chat",
            );
        }
        for (field, is_set) in [
            ("output_format", request.output_format.is_some()),
            ("output_compression", request.output_compression.is_some()),
        ] {
            if is_set {
                self.made_by(field, "openai", Severity::Advice, "others may ignore it");
            }
        }
        if request.background == Some(Background::Transparent)
            && request.output_format == Some(OutputFormat::Jpeg)
        {
            self.find(
                Severity::Warning,
                "background",
                "a JPEG cannot be transparent: ask for PNG or WebP",
            );
        }
        if request.output_compression.is_some() && request.output_format == Some(OutputFormat::Png)
        {
            self.find(
                Severity::Advice,
                "output_compression",
                "it has no meaning for PNG",
            );
        }
        if let Some(Prices::Listed(listed)) = Prices::of(self.model)
            && request.is_of_other_size(&listed)
        {
            self.find(
                Severity::Advice,
                "size",
                "the catalogue's price is of another size, so the cost is not known",
            );
        }
    }
}

fn cost(request: &ImageRequest, model: &Model) -> Option<Cost> {
    let is_of_this_model =
        request.model.as_ref() == Some(&model.id) && model.is_composite != Some(true);
    let listed = match Prices::of(model).filter(|_| is_of_this_model)? {
        Prices::Free => return Some(Cost::nothing()),
        Prices::Listed(listed) => listed,
    };
    if request.is_of_other_size(&listed) || !request.extra.is_empty() {
        return None;
    }
    let count = request.n.unwrap_or(1);
    let each = listed.output_per_image()?;
    let references = match request.references.len() as u64 {
        0 => Some(Usd::zero()),
        // Where tokens have a price, pictures to go by may be charged as tokens.
        _ if listed.input_per_million().is_some() => None,
        count => listed.input_per_image().map(|each| each * count),
    };
    let least: Usd = [each.clone() * u64::from(count)]
        .into_iter()
        .chain(listed.per_request())
        .chain(references.clone())
        .sum();
    let prompt = match listed.input_per_million() {
        None => Some(Usd::zero()),
        Some(_) => listed.most_for_text(request.prompt.len() as u64, 1),
    };
    let draws_more = request.partial_images.is_some_and(|count| count > 0)
        || matches!(
            request.sequential_image_generation,
            Some(SequentialGeneration::Auto | SequentialGeneration::Other(_))
        );
    let most = prompt
        .filter(|_| references.is_some() && !draws_more)
        .map(|prompt| least.clone() + prompt);

    let mut basis = format!("{count} at the catalogue's price of {each} for a picture");
    if let Some(size) = &listed.0.image_output_size {
        basis.push_str(" of ");
        basis.push_str(&excerpt(size.as_bytes()));
    }
    basis.push_str(", which names no quality");
    Cost::between(model, Some(least), most, basis)
}
