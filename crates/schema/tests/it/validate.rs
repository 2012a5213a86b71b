//! What fits, and what is told of what does not.

use serde_json::{Value, json};
use troupe_schema::MAX_PROBLEMS;

use super::{schema, stock};

/// What is wrong, as `PATH: PROBLEM`.
fn told(of: Value, value: Value) -> Vec<String> {
    let problems = schema(of).problems(&value);
    problems.into_iter().map(|one| format!("{}: {}", one.path, one.problem)).collect()
}

#[test]
fn each_assertion_accepts_and_refuses() {
    for (of, fits, fails) in [
        (json!(true), json!(1), None),
        (json!({"type": "integer"}), json!(1.0), Some(json!(1.5))),
        (json!({"type": ["string", "null"]}), json!(null), Some(json!(0))),
        (json!({"enum": [1, "a"]}), json!("a"), Some(json!("b"))),
        (json!({"const": {"a": 1}}), json!({"a": 1.0}), Some(json!({"a": 2}))),
        (json!({"minimum": 1, "maximum": 3}), json!(3), Some(json!(4))),
        (json!({"exclusiveMinimum": 1}), json!(2), Some(json!(1))),
        (json!({"exclusiveMaximum": 1}), json!(0.5), Some(json!(1))),
        (json!({"maximum": u64::MAX}), json!(u64::MAX), None),
        (json!({"multipleOf": 3}), json!(9), Some(json!(10))),
        (json!({"minLength": 2, "maxLength": 2}), json!("üü"), Some(json!("ü"))),
        (json!({"pattern": "^a+$"}), json!("aa"), Some(json!("ab"))),
        (json!({"items": {"type": "null"}}), json!([null]), Some(json!([1]))),
        (json!({"prefixItems": [{"type": "null"}], "items": false}), json!([null]), Some(json!([null, 1]))),
        (json!({"minItems": 1, "maxItems": 2}), json!([1]), Some(json!([]))),
        (json!({"uniqueItems": true}), json!([1, 2]), Some(json!([1, 1]))),
        (json!({"required": ["a"]}), json!({"a": 1}), Some(json!({}))),
        (json!({"dependentRequired": {"a": ["b"]}}), json!({"b": 1}), Some(json!({"a": 1}))),
        (json!({"minProperties": 1, "maxProperties": 1}), json!({"a": 1}), Some(json!({}))),
        (json!({"propertyNames": {"maxLength": 1}}), json!({"a": 1}), Some(json!({"ab": 1}))),
        (
            json!({"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": false}),
            json!({"a": 1, "xy": 2}),
            Some(json!({"b": 1})),
        ),
        (json!({"additionalProperties": {"type": "null"}}), json!({"a": null}), Some(json!({"a": 1}))),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(2), Some(json!(3))),
        (json!({"anyOf": [{"type": "null"}, {"minimum": 1}]}), json!(null), Some(json!(0))),
        (json!({"oneOf": [{"minimum": 1}, {"maximum": 5}]}), json!(9), Some(json!(3))),
        (json!({"not": {"type": "null"}}), json!(1), Some(json!(null))),
        (
            json!({"if": {"minimum": 5}, "then": {"maximum": 6}, "else": {"minimum": 1}}),
            json!(6),
            Some(json!(7)),
        ),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}), json!(null), Some(json!(1))),
    ] {
        assert!(schema(of.clone()).accepts(&fits), "{of} {fits}");
        if let Some(fails) = fails {
            assert!(!schema(of.clone()).accepts(&fails), "{of} {fails}");
        }
    }
}

#[test]
fn a_problem_names_the_part_that_is_wrong() {
    let message = stock();
    let told = |value: Value| -> Vec<String> {
        let problems = message.problems(&value).into_iter();
        problems.map(|one| format!("{}: {}", one.path, one.problem)).collect()
    };
    assert_eq!(told(json!({"add": {"item": "nut", "n": 1}})), [""; 0]);
    assert_eq!(told(json!({"add": {"item": "nut", "n": 0}})), ["/add/n: must be at least 1, and is 0"]);
    assert_eq!(
        told(json!({"take": {"item": "Nut", "m": 1}})),
        [
            "/take: `n` is missing",
            "/take/item: \"Nut\" does not fit ^[a-z0-9-]{1,32}$",
            "/take: there is no member `m`",
        ]
    );
    assert_eq!(
        told(json!({"ad": 1})),
        [
            ": expected an object with one of `add`, `take`, `total`, `remind`, `who`, `fail`, found {\"ad\":1}"
        ]
    );
    assert_eq!(told(json!({"total": {}, "who": {}})), [": there is no member `who`"]);
}

#[test]
fn a_reference_to_itself_ends() {
    let tree = json!({"type": "array", "items": {"$ref": "#"}});
    assert_eq!(told(tree.clone(), json!([[], [[]]])), [""; 0]);
    assert_eq!(told(tree, json!([[], [1]])), ["/1/0: expected array, found 1"]);
    assert_eq!(told(json!({"$ref": "#"}), json!(1)), [": nests too deep"]);
}

#[test]
fn no_more_problems_are_told_than_anybody_reads() {
    let value = Value::Array(vec![json!(1); 1000]);
    assert_eq!(told(json!({"items": {"type": "null"}}), value).len(), MAX_PROBLEMS);
}
