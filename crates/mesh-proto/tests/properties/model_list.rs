//! No row of the catalogue is lost: it is a model or it is odd.

use mesh_proto::endpoint::{GetModel, ListModels};
use mesh_proto::models::Model;
use serde_json::{Map, Value};

use super::{head, read_in_any_pieces};

pub(super) fn hold(data: &[u8]) {
    if let (_, Ok(list), _) = read_in_any_pieces(&ListModels::new(), &head(200, &[]), data) {
        if let Ok(rows) = serde_json::from_slice::<Vec<Value>>(data) {
            assert_eq!(list.models.len() + list.odd.len(), rows.len());
        }
        if let Ok(document) = serde_json::from_slice::<Map<String, Value>>(data)
            && document.get("error").is_some_and(Value::is_object)
        {
            assert!(
                list.models.len() + list.odd.len() > 0,
                "an error is no empty list"
            );
        }
        let _ = format!("{list:?}");
        assert!(list.seeing().count() <= list.models.len());
        assert!(list.drawing().count() <= list.models.len());
        list.iter().for_each(inspect);
    }
    let one = GetModel::new("openai/gpt-4o");
    if let (_, Ok(model), _) = read_in_any_pieces(&one, &head(200, &[]), data) {
        inspect(&model);
    }
}

fn inspect(model: &Model) {
    let (takes, gives) = (&model.input_modalities, &model.output_modalities);
    assert!(takes.is_empty() || *model.inputs() == takes[..]);
    assert!(gives.is_empty() || *model.outputs() == gives[..]);
    let stored = serde_json::to_string(model).unwrap();
    let again: Model = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, *model, "{stored}");
    assert_eq!(serde_json::to_string(&again).unwrap(), stored);
}
