//! The catalogue in the shapes in which it comes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::Endpoint;
use mesh_proto::call::Failure;
use mesh_proto::chat::Modality;
use mesh_proto::endpoint::{GetModel, ListModels};
use mesh_proto::error::DecodeError;
use mesh_proto::models::{Capability, Feature, Model, ModelList, Pricing, PricingUnit};
use serde_json::{Value, json};

fn list(body: &Value) -> ModelList {
    ListModels::new()
        .read(http::Response::new(Bytes::from(body.to_string())))
        .expect("a list")
        .into_value()
}

#[test]
fn a_bare_array_and_an_envelope_are_the_same() {
    let rows = json!([
        {"id": "openai/gpt-4o", "input_modalities": ["text", "image"], "output_modalities": ["text"], "supports_tools": true},
        {"id": "plain", "context_length": "128000", "is_free": "maybe", "pricing": {"prompt": "None"}},
        {"id": "google/imagen-4", "input_modalities": ["text"], "output_modalities": ["image", "hologram"], "model_type": "image"},
    ]);
    let bare = list(&rows);
    assert_eq!(bare, list(&json!({"data": rows, "object": "list"})));
    assert_eq!(
        bare.seeing()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["openai/gpt-4o"]
    );
    assert_eq!(
        bare.drawing()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["google/imagen-4"]
    );
    assert_eq!(bare.models[1].sees(), Capability::Unknown);
    assert_eq!(bare.models[1].context_length, Some(128_000));
    assert_eq!(bare.models[2].sees(), Capability::No);
    assert_eq!(bare.models[0].extra["supports_tools"], true);
}

#[test]
fn an_odd_row_hides_nobody_else() {
    let odd = list(
        &json!([{"id": "a"}, {"name": "no id"}, 7, {"id": 8}, {"id": "b", "input_modalities": "text"}]),
    );
    assert_eq!(
        odd.models
            .iter()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(
        odd.odd.iter().map(|row| row.place).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[test]
fn what_is_no_list_is_an_error_that_says_so() {
    let read = |body: &'static str| {
        ListModels::new().read(http::Response::new(Bytes::from_static(body.as_bytes())))
    };
    assert!(matches!(
        read("<html>"),
        Err(Failure::Decode(DecodeError::NotJson { .. }))
    ));
    assert!(matches!(
        read(""),
        Err(Failure::Decode(DecodeError::NotJson { .. }))
    ));
    assert!(matches!(
        read("[{\"id\""),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    assert!(matches!(
        read("{\"data\":[{\"id\":\"a\"}"),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    assert!(matches!(
        read("{\"models\":1}"),
        Err(Failure::Decode(DecodeError::Json { .. }))
    ));
    for error in [
        r#"{"error":{"message":"m"}}"#,
        r#"{"data":[],"error":{"message":"m"}}"#,
        r#"{"error":"m","object":"list","data":[]}"#,
    ] {
        assert!(matches!(
            read(error),
            Err(Failure::Decode(DecodeError::Api(_)))
        ));
    }
    for list in [
        r#"{"data":[],"error":null}"#,
        r#"{"data":[{"id":"a"}],"error":{"message":"m"}}"#,
    ] {
        assert!(read(list).is_ok(), "{list}");
    }
}

#[test]
fn what_a_model_takes_is_read_from_its_architecture_where_the_row_itself_is_silent() {
    use mesh_proto::models::Capability::{No, Unknown, Yes};

    for (row, sees, draws) in [
        (
            json!({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]}}),
            Yes,
            No,
        ),
        (
            json!({"architecture": {"modality": "text+image->text"}}),
            Yes,
            No,
        ),
        (
            json!({"architecture": {"modality": "text->text + image"}}),
            No,
            Yes,
        ),
        (
            json!({"architecture": {"modality": "text->image", "input_modalities": [], "output_modalities": null}}),
            No,
            Yes,
        ),
        (
            json!({"input_modalities": ["text"], "architecture": {"modality": "image->image"}}),
            No,
            Yes,
        ),
        (
            json!({"architecture": {"modality": "multimodal"}}),
            Unknown,
            Unknown,
        ),
        (
            json!({"architecture": {"modality": "->"}}),
            Unknown,
            Unknown,
        ),
        (json!({"architecture": "text->image"}), Unknown, Unknown),
        (json!({"architecture": [7]}), Unknown, Unknown),
        (json!({}), Unknown, Unknown),
    ] {
        let mut whole = row.clone();
        whole["id"] = "a/b".into();
        let model: Model = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!((model.sees(), model.draws()), (sees, draws), "{row}");
        // It stays where it came from.
        assert_eq!(
            serde_json::to_value(&model).unwrap()["architecture"],
            whole["architecture"]
        );
    }
}

/// A row with every field of the [protocol reference, section 9](mesh_proto::protocol#9-models-catalogue).
fn whole_row() -> Value {
    json!({
        "id": "openai/gpt-5.4-image", "name": "GPT-5.4 Image", "description": "Draws and talks.", "brand": "openai",
        "provider": "azure", "model_type": "image", "context_length": 272_000, "context_window": 272_000,
        "is_free": false, "is_composite": true, "composite_models": ["openai/gpt-5.4", "openai/gpt-image-2"],
        "input_modalities": ["text", "image"], "output_modalities": ["text", "image", "hologram"],
        "discount_pct": 12.5,
        "pricing": {
            "pricing_unit": "per_1m_tokens", "input_usd_per_unit": "5", "output_usd_per_unit": "20.25",
            "image_output_usd_per_image": "0.042", "image_input_usd_per_image": "0.0001", "image_output_size": "1024x1024",
            "request_usd": "0.01", "prompt_usd_per_1k": "0.005", "completion_usd_per_1k": "0.02025",
            "image_usd_per_image": "0.043", "discount_pct": 10.0,
        },
        "supports_thinking": false, "supports_completions_api": true, "supports_responses_api": true,
        "supports_realtime": false, "supports_embeddings": false, "supports_tools": true,
        "supports_structured_output": true, "supports_system_prompt": false, "supports_batching": false,
        "supports_background_response": false, "supports_video_generation": false, "supports_flex": true,
        "supports_image_edit": true, "supports_image_inpaint": true, "supports_image_outpaint": false,
        "supports_image_mix": true, "supports_image_reframe": false, "supports_image_upscale": false,
        "supports_image_remove_background": true, "supports_image_reference": true, "supports_telepathy": true,
        "added_later": {"by": "the gateway"},
    })
}

#[test]
fn a_whole_row_is_read_and_written_as_it_came() {
    let model: Model = serde_json::from_value(whole_row()).unwrap();
    assert_eq!(model.name.as_deref(), Some("GPT-5.4 Image"));
    assert_eq!(model.description.as_deref(), Some("Draws and talks."));
    assert_eq!(model.provider.as_deref(), Some("azure"));
    assert_eq!(model.maker(), Some("openai"));
    assert_eq!(model.model_type, Some(Modality::Image));
    assert_eq!(model.context(), Some(272_000));
    assert_eq!(
        (model.is_free, model.is_composite),
        (Some(false), Some(true))
    );
    assert_eq!(
        model.composite_models,
        ["openai/gpt-5.4", "openai/gpt-image-2"]
    );
    assert_eq!(model.gives(&Modality::from("hologram")), Capability::Yes);
    assert_eq!(model.takes(&Modality::Audio), Capability::No);
    assert_eq!(model.discount_pct(), Some(12.5));
    assert_eq!(model.extra["added_later"]["by"], "the gateway");
    for (feature, said) in [
        (Feature::Thinking, Capability::No),
        (Feature::Tools, Capability::Yes),
        (Feature::SystemPrompt, Capability::No),
        (Feature::ImageRemoveBackground, Capability::Yes),
        (Feature::ImageUpscale, Capability::No),
        ("telepathy".into(), Capability::Yes),
        ("levitation".into(), Capability::Unknown),
    ] {
        assert_eq!(model.supports(&feature), said, "{feature}");
    }
    assert_eq!(model.features().count(), 21);
    assert!(
        model
            .features()
            .all(|(feature, said)| model.supports(&feature) == said)
    );
    assert_eq!(serde_json::to_value(&model).unwrap(), whole_row());
}

#[test]
fn any_field_may_be_missing_or_malformed() {
    let Value::Object(whole) = whole_row() else {
        unreachable!()
    };
    let odd = [
        json!(null),
        json!([null, {}, 7]),
        json!({"a": [1]}),
        json!(-1.5),
        json!("None"),
        json!(true),
    ];
    for field in whole.keys().filter(|name| *name != "id") {
        for value in &odd {
            let mut row = whole.clone();
            row.insert(field.clone(), value.clone());
            let model: Model = serde_json::from_value(row.into())
                .unwrap_or_else(|error| panic!("{field} {value}: {error}"));
            let again: Model =
                serde_json::from_value(serde_json::to_value(&model).unwrap()).unwrap();
            assert_eq!(again, model, "{field} {value}");
        }
        let mut row = whole.clone();
        row.remove(field);
        let list = list(&json!([row]));
        assert_eq!((list.models.len(), list.odd.len()), (1, 0), "{field}");
    }
    let bare: Model = serde_json::from_value(json!({"id": "gemma"})).unwrap();
    assert_eq!(serde_json::to_value(&bare).unwrap(), json!({"id": "gemma"}));
    assert_eq!(
        (bare.maker(), bare.context(), bare.sees()),
        (None, None, Capability::Unknown)
    );
    assert_eq!(bare.supports(&Feature::Tools), Capability::Unknown);
    assert_eq!(
        bare.supports(&Feature::SystemPrompt),
        Capability::Yes,
        "the default"
    );
    let malformed: Model =
        serde_json::from_value(json!({"id": "a", "is_free": "maybe", "context_length": "many"}))
            .unwrap();
    assert_eq!((malformed.is_free, malformed.context_length), (None, None));
    assert_eq!(
        malformed.extra["context_length"], "many",
        "what is not understood is not lost"
    );
}

#[test]
fn prices_of_both_generations_are_the_same_prices_and_what_is_unknown_is_not_zero() {
    let read = |pricing: Value| serde_json::from_value::<Pricing>(pricing).unwrap();
    let text = |price: Option<mesh_proto::Usd>| price.map(|it| it.to_string());
    let current = read(
        json!({"pricing_unit": "per_1m_tokens", "input_usd_per_unit": "2.50", "output_usd_per_unit": 10}),
    );
    let retired = read(json!({"prompt_usd_per_1k": "0.0025", "completion_usd_per_1k": "1E-2"}));
    for pricing in [&current, &retired] {
        assert_eq!(text(pricing.input_per_million()).as_deref(), Some("2.5"));
        assert_eq!(text(pricing.output_per_million()).as_deref(), Some("10"));
        assert_eq!(pricing.output_per_image(), None);
    }
    let other = read(json!({"input_usd_per_1k": "0.0025", "output_usd_per_1k": "0.01"}));
    assert_eq!(other, retired);

    for picture in [
        json!({"image_output_usd_per_image": "0.042", "pricing_unit": "per_1m_tokens", "output_usd_per_unit": "40"}),
        json!({"pricing_unit": "per_image", "output_usd_per_unit": "0.042"}),
        json!({"image_output_usd_per_image": "None", "image_usd_per_image": 0.042}),
    ] {
        assert_eq!(
            text(read(picture).output_per_image()).as_deref(),
            Some("0.042")
        );
    }

    let odd = read(json!({
        "pricing_unit": "per_parsec", "input_usd_per_unit": "0E-10", "output_usd_per_unit": "0E-8", "request_usd": "None",
        "image_usd_per_image": null, "image_output_usd_per_image": "", "image_input_usd_per_image": "-1",
    }));
    assert_eq!(odd.pricing_unit, Some(PricingUnit::from("per_parsec")));
    assert!(
        odd.input_usd_per_unit
            .as_ref()
            .is_some_and(mesh_proto::Usd::is_zero)
    );
    assert_eq!(
        (odd.input_per_million(), odd.output_per_image()),
        (None, None),
        "the unit is another"
    );
    assert_eq!(
        (
            &odd.request_usd,
            &odd.image_usd_per_image,
            &odd.image_input_usd_per_image
        ),
        (&None, &None, &None)
    );
    assert_eq!(odd.extra["image_input_usd_per_image"], "-1");
}

#[test]
fn one_model_comes_bare_or_in_an_envelope() {
    let get = |body: Value| {
        let response = http::Response::new(Bytes::from(body.to_string()));
        GetModel::new("openai/gpt-5.4-image").read(response)
    };
    let bare = get(whole_row()).unwrap().into_value();
    assert_eq!(
        get(json!({"data": whole_row(), "object": "model"}))
            .unwrap()
            .into_value(),
        bare
    );
    for odd in [
        json!({"data": {"name": "no id"}}),
        json!([whole_row()]),
        json!({"data": null}),
    ] {
        assert!(matches!(
            get(odd),
            Err(Failure::Decode(DecodeError::Json { .. }))
        ));
    }
    assert!(matches!(
        get(json!({"error": {"code": "model_not_found", "message": "m"}})),
        Err(Failure::Decode(DecodeError::Api(_)))
    ));
}
