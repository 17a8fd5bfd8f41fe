//! A request to change a picture.

use super::cost::Prices;
use super::{Cost, Examination, Report, Severity};
use crate::body::Body;
use crate::chat::Modality;
use crate::image::{Dimensions, Image};
use crate::images::{EditRequest, Operation};
use crate::models::{Feature, Model};

impl EditRequest {
    /// Holds the request against what the catalogue says of `model`, and against the gateway's
    /// limits ([protocol reference, section 5.3](crate::protocol#53-image-edits) and [section 8](crate::protocol#8-limits-timeouts-retries)), offline: body size, pictures, the
    /// operation, the mask. It advises, and never blocks.
    ///
    /// [`Report::cost`] is at least the catalogue's price of a picture times `n`; what the pictures
    /// that go in cost is seldom known, and there is no upper bound then.
    ///
    /// ```
    /// use mesh_proto::check::Severity;
    /// use mesh_proto::image::Image;
    /// use mesh_proto::images::EditRequest;
    /// use mesh_proto::models::Model;
    ///
    /// let model: Model = serde_json::from_str(r#"{"id":"acme/brush","supports_image_upscale":false}"#)?;
    /// let photo = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..])?;
    /// let edit = EditRequest::upscale("acme/brush", photo, mesh_proto::images::UpscaleFactor::X2);
    /// let report = edit.check(&model);
    /// assert!(report.findings().iter().any(|it| it.field == "operation" && it.severity == Severity::Warning));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, model: &Model) -> Report {
        let mut examination = Examination::new(model);
        examination.built(self.validate());
        examination.model(Some(&self.model));
        examination.output("model", &Modality::Image);
        examination.operation(self.operation.as_ref().unwrap_or(&Operation::Edit));
        examination.edited("image", &self.image);
        if let Some(mask) = &self.mask {
            examination.edited("mask", mask);
            examination.mask(&self.image, mask);
        }
        for (place, reference) in self.reference_images.iter().enumerate() {
            examination.edited(&format!("reference_images[{place}]"), reference);
        }
        if self.is_form() {
            // What keeps a picture out of the form was found above.
            if let Ok(form) = self.form() {
                examination.whole(Ok::<Body, _>(form.body));
            }
        } else {
            examination.body(self);
        }
        examination.report.cost = cost(self, model);
        examination.finish()
    }
}

impl Examination<'_> {
    fn operation(&mut self, operation: &Operation) {
        let feature = match operation {
            Operation::Edit => Feature::ImageEdit,
            Operation::RemoveBackground => Feature::ImageRemoveBackground,
            Operation::Upscale => Feature::ImageUpscale,
            Operation::Outpaint => Feature::ImageOutpaint,
            Operation::Mix => Feature::ImageMix,
            Operation::Reframe => Feature::ImageReframe,
            Operation::Inpaint => Feature::ImageInpaint,
            Operation::Other(_) => return,
        };
        self.needs("operation", &feature, "it may be refused");
    }

    /// A picture of an edit, which the gateway never fetches: what is behind a URL has been found
    /// to be wrong already.
    fn edited(&mut self, field: &str, image: &Image) {
        if image.remote_url().is_some() {
            return;
        }
        match (image.bytes(), image.file()) {
            (None, Ok((_, bytes))) if image.media_type().is_none() => {
                // Bare base64, which counts here and nowhere else.
                self.report.pictures += 1;
                self.input(field.to_owned(), &Modality::Image);
                self.file(field, &bytes, None);
            }
            _ => self.picture(field, image),
        }
    }

    /// White is edited, so a mask has to lie on its picture pixel by pixel.
    fn mask(&mut self, image: &Image, mask: &Image) {
        let size = |image: &Image| {
            let (_, bytes) = image.file().ok()?;
            Dimensions::read(&bytes)
        };
        if let (Some(image), Some(mask)) = (size(image), size(mask))
            && image != mask
        {
            self.find(
                Severity::Warning,
                "mask",
                format!("{mask} pixels, and the picture has {image}: where it works is uncertain"),
            );
        }
    }
}

fn cost(request: &EditRequest, model: &Model) -> Option<Cost> {
    let is_of_this_model = request.model == model.id && model.is_composite != Some(true);
    let listed = match Prices::of(model).filter(|_| is_of_this_model)? {
        Prices::Free => return Some(Cost::nothing()),
        Prices::Listed(listed) => listed,
    };
    // The size that a price is for may be asked for in three fields, or follow from the picture.
    if listed.0.image_output_size.is_some() || !request.extra.is_empty() {
        return None;
    }
    let count = request.n.unwrap_or(1);
    let each = listed.output_per_image()?;
    let least = [each.clone() * u64::from(count)]
        .into_iter()
        .chain(listed.per_request())
        .sum();
    let basis = format!(
        "{count} at the catalogue's price of {each} for a picture, without what the pictures that go in cost"
    );
    Cost::between(model, Some(least), None, basis)
}
