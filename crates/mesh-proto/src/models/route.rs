//! The endpoint at which a model generates images, as far as the catalogue says it.

use serde_json::Value;

use super::feature::{Capability, Feature};
use super::model::Model;
use crate::chat::Modality;

/// An endpoint that generates images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageRoute {
    /// `POST /v1/chat/completions` ([protocol reference, section 4.2](crate::protocol#42-response)).
    Chat,
    /// `POST /v1/images/generations` ([protocol reference, section 5.1](crate::protocol#51-image-generations)).
    Images,
}

impl Model {
    /// Where it generates images: chat if the row says that it can, the images endpoint if that is
    /// all it says. `None` if the row says neither.
    ///
    /// Rows differ between gateways, so this reads, in this order: a list of endpoints,
    /// `supports_completions_api`, `is_composite`, what the model returns, and its kind.
    ///
    /// ```
    /// use mesh_proto::models::{ImageRoute, Model};
    ///
    /// let model: Model = serde_json::from_str(r#"{"id":"dall-e-3","output_modalities":["image"]}"#)?;
    /// assert_eq!(model.image_route(), Some(ImageRoute::Images));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn image_route(&self) -> Option<ImageRoute> {
        if let Some(route) = self.listed_route() {
            return Some(route);
        }
        match self.supports(&Feature::CompletionsApi) {
            Capability::Yes => return Some(ImageRoute::Chat),
            Capability::No if self.draws() != Capability::No => return Some(ImageRoute::Images),
            Capability::No | Capability::Unknown => {}
        }
        // Composite models fail at the images endpoint ([protocol reference, section 4.2](crate::protocol#42-response)).
        if self.is_composite == Some(true) {
            return Some(ImageRoute::Chat);
        }
        match (self.draws(), self.gives(&Modality::Text)) {
            (Capability::Yes, Capability::Yes) => Some(ImageRoute::Chat),
            (Capability::Yes, _) => Some(ImageRoute::Images),
            (Capability::No, _) => None,
            (Capability::Unknown, _) => self.is_image_generator().then_some(ImageRoute::Images),
        }
    }

    /// What a list of endpoints says, under any of the names that gateways have for it.
    fn listed_route(&self) -> Option<ImageRoute> {
        const LISTS: [&str; 5] = [
            "endpoints",
            "supported_endpoints",
            "supported_endpoint_types",
            "supported_apis",
            "endpoint_types",
        ];
        let listed: Vec<String> = LISTS
            .iter()
            .filter_map(|name| self.extra.get(*name))
            .flat_map(names)
            .map(|name| plain(&name))
            .collect();
        let any = |words: &[&str]| {
            listed
                .iter()
                .any(|name| words.iter().any(|word| name.contains(word)))
        };
        if any(&["chat/completion", "chat-completion", "chat.completion"])
            || listed.iter().any(|it| it == "chat" || it == "openai")
        {
            Some(ImageRoute::Chat)
        } else if any(&["images/generation", "images.generat", "image-generation"])
            || listed.iter().any(|it| it == "images" || it == "image")
        {
            Some(ImageRoute::Images)
        } else {
            None
        }
    }

    /// Whether its kind is to generate images, by any of the names that catalogues have for that.
    fn is_image_generator(&self) -> bool {
        const FIELDS: [&str; 4] = ["type", "mode", "task", "kind"];
        let kind = self.model_type.as_ref().map(Modality::as_str);
        let others = FIELDS
            .iter()
            .filter_map(|name| self.extra.get(*name)?.as_str());
        kind.into_iter().chain(others).any(|kind| {
            matches!(
                plain(kind).as_str(),
                "image" | "images" | "image-generation" | "text-to-image" | "text2image"
            )
        })
    }
}

/// The names in a list of endpoints: texts, objects that name one, or an object's keys.
fn names(list: &Value) -> Vec<String> {
    match list {
        Value::String(name) => vec![name.clone()],
        Value::Array(items) => items.iter().filter_map(name_of).collect(),
        Value::Object(endpoints) => endpoints
            .iter()
            .filter(|(_, value)| !matches!(value, Value::Bool(false) | Value::Null))
            .map(|(name, _)| name.clone())
            .collect(),
        _ => Vec::new(),
    }
}

/// The name of an endpoint: a text, or a field of an object.
fn name_of(item: &Value) -> Option<String> {
    const FIELDS: [&str; 6] = ["path", "url", "endpoint", "type", "name", "id"];
    let name = match item {
        Value::Object(endpoint) => FIELDS
            .iter()
            .find_map(|field| endpoint.get(*field)?.as_str()),
        item => item.as_str(),
    };
    name.map(str::to_owned)
}

/// A name in lower case, with hyphens.
fn plain(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_where_its_model_generates_images() {
        let (chat, images) = (Some(ImageRoute::Chat), Some(ImageRoute::Images));
        for (fields, expected) in [
            (r#""name":"x""#, None),
            // Endpoints come first.
            (
                r#""supported_endpoints":["/v1/images/generations"]"#,
                images,
            ),
            (
                r#""supported_endpoints":["/v1/chat/completions","/v1/images/generations"]"#,
                chat,
            ),
            (r#""supported_endpoint_types":["image-generation"]"#, images),
            (
                r#""supported_endpoint_types":["image-generation","openai"]"#,
                chat,
            ),
            (
                r#""endpoints":["chat.completions"],"output_modalities":["image"]"#,
                chat,
            ),
            (
                r#""endpoints":["images.generate"],"output_modalities":["image","text"]"#,
                images,
            ),
            (
                r#""endpoints":["chat_completions"],"output_modalities":["image"]"#,
                chat,
            ),
            (r#""endpoints":{"/v1/images/generations":{}}"#, images),
            (
                r#""endpoints":{"chat/completions":false,"images/generations":true}"#,
                images,
            ),
            (
                r#""endpoints":[{"path":"/v1/images/generations"}],"model_type":"text""#,
                images,
            ),
            (r#""endpoints":[{"type":"Image_Generation"}]"#, images),
            (
                r#""endpoints":["/v1/embeddings"],"output_modalities":["image","text"]"#,
                chat,
            ),
            (
                r#""endpoints":7,"supports_completions_api":false,"model_type":"image""#,
                images,
            ),
            // Mesh's own fields.
            (
                r#""supports_completions_api":true,"output_modalities":["image"]"#,
                chat,
            ),
            (
                r#""supports_completions_api":false,"output_modalities":["image"]"#,
                images,
            ),
            (
                r#""supports_completions_api":false,"output_modalities":["text"]"#,
                None,
            ),
            (
                r#""supports_completions_api":null,"output_modalities":["image"]"#,
                images,
            ),
            (r#""is_composite":true,"output_modalities":["image"]"#, chat),
            (r#""output_modalities":["text","image"]"#, chat),
            (r#""output_modalities":["text"],"model_type":"image""#, None),
            (r#""model_type":"image""#, images),
            (r#""model_type":"text""#, None),
            // Other catalogues.
            (r#""architecture":{"modality":"text->image"}"#, images),
            (
                r#""architecture":{"output_modalities":["image","text"]}"#,
                chat,
            ),
            (r#""type":"image""#, images),
            (r#""mode":"image_generation""#, images),
            (r#""task":"Text-to-Image""#, images),
            (r#""type":"chat""#, None),
            (r#""object":"model","owned_by":"openai""#, None),
        ] {
            let row = format!(r#"{{"id":"m",{fields}}}"#);
            let model: Model = serde_json::from_str(&row).unwrap();
            assert_eq!(model.image_route(), expected, "{row}");
        }
    }
}
