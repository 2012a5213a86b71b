//! A first schema from what was seen.

use serde_json::{Value, json};
use troupe_schema::generate::{Random, any, fitting};
use troupe_schema::infer::Seen;

use super::{schema, stock};

fn inferred(values: &[Value]) -> Value {
    let mut seen = Seen::default();
    values.iter().for_each(|value| seen.see(value));
    seen.schema()
}

#[test]
fn objects_have_what_was_always_there_and_ranges_that_were_seen() {
    let values = [json!({"n": 1, "to": null}), json!({"n": 7, "to": "a", "note": true})];
    assert_eq!(
        inferred(&values),
        json!({
            "type": "object", "required": ["n", "to"], "additionalProperties": false,
            "properties": {
                "n": {"type": "integer", "minimum": 1, "maximum": 7},
                "to": {"type": ["null", "string"]},
                "note": {"type": "boolean"},
            },
        })
    );
}

#[test]
fn objects_of_one_member_are_alternatives_by_its_name() {
    let found = inferred(&[json!({"add": 1}), json!({"total": {}}), json!({"add": 3})]);
    let names: Vec<_> =
        found["oneOf"].as_array().unwrap().iter().map(|one| one["required"][0].clone()).collect();
    assert_eq!(names, ["add", "total"]);
    assert_eq!(
        found["oneOf"][0]["properties"]["add"],
        json!({"type": "integer", "minimum": 1, "maximum": 3})
    );
}

#[test]
fn many_names_that_few_objects_share_are_a_map() {
    let values: Vec<_> = (0..20).map(|n| json!({format!("item-{n}"): n, "low": 1})).collect();
    let found = inferred(&values);
    assert_eq!(
        found,
        json!({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 19}})
    );
}

#[test]
fn few_strings_that_come_often_are_an_enumeration() {
    let often: Vec<_> = (0..9).map(|n| json!(["red", "green", "blue"][n % 3])).collect();
    assert_eq!(inferred(&often), json!({"type": "string", "enum": ["blue", "green", "red"]}));
    assert_eq!(inferred(&often[..4]), json!({"type": "string"}));
}

#[test]
fn whatever_was_seen_fits() {
    let mut random = Random::new(5);
    let stock = stock();
    for round in 0..50 {
        let values: Vec<_> = (0..40)
            .map(|_| if round % 2 == 0 { any(&mut random) } else { fitting(&stock, &mut random) })
            .collect();
        let found = schema(inferred(&values));
        for value in &values {
            assert_eq!(found.problems(value), [], "{value} of {}", found.as_json());
        }
    }
}
