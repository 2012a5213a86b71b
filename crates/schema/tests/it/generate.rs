//! What is generated.

use serde_json::json;
use troupe_schema::generate::{Random, any, fitting, mutated};

use super::{schema, stock};

#[test]
fn what_is_generated_fits() {
    let tree = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 4},
            "list": {"type": "array", "items": {"$ref": "#"}, "maxItems": 2},
            "kind": {"enum": ["a", null]},
            "size": {"type": "number", "minimum": 0, "maximum": 1},
        },
    });
    for schema in [stock(), schema(tree)] {
        let mut random = Random::new(1);
        for _ in 0..500 {
            let value = fitting(&schema, &mut random);
            assert_eq!(schema.problems(&value), [], "{value}");
        }
    }
}

#[test]
fn a_seed_gives_the_same_and_another_seed_something_else() {
    let stock = stock();
    let values = |seed| {
        let mut random = Random::new(seed);
        (0..50).map(|_| mutated(&fitting(&stock, &mut random), &mut random)).collect::<Vec<_>>()
    };
    assert_eq!(values(7), values(7));
    assert_ne!(values(7), values(8));
}

#[test]
fn mutations_mostly_do_not_fit_and_anything_may_be_made() {
    let stock = stock();
    let mut random = Random::new(3);
    let refused = (0..200).filter(|_| {
        let value = mutated(&fitting(&stock, &mut random), &mut random);
        !stock.accepts(&value)
    });
    assert!(refused.count() > 100);
    let kinds = (0..200).map(|_| any(&mut random)).filter(serde_json::Value::is_object).count();
    assert!(kinds > 5);
}
