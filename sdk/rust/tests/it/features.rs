//! What is there only with a feature.

#[cfg(feature = "web")]
#[test]
fn a_fetch_is_answered_by_the_test() {
    use serde::{Deserialize, Serialize};
    use troupe_actor::testing::Harness;
    use troupe_actor::web::{Request, Response};
    use troupe_actor::{Actor, Context, Reason};

    #[derive(Default, Serialize, Deserialize)]
    struct Reader {
        status: u16,
    }

    impl Actor for Reader {
        type Message = String;
        type Reply = u64;

        fn handle(&mut self, url: String, context: &mut Context) -> Result<u64, Reason> {
            let answer = context.fetch(Request::get(url).header("accept", "application/json"))?;
            self.status = answer.status;
            answer.json().read()
        }
    }

    let mut reader = Harness::<Reader>::new(&()).expect("a reader").web(|request| match &*request.url {
        "https://a.example/" => Ok(Response { status: 200, headers: Vec::new(), body: b"42".to_vec() }),
        _ => Err("not granted".into()),
    });
    assert_eq!(reader.tell(&"https://a.example/").reply(), "42");
    assert_eq!(reader.tell(&"https://b.example/").failed(), "not granted");
    assert_eq!(reader.state(), r#"{"status":200}"#);
    let mut reader = Harness::<Reader>::new(&()).expect("a reader");
    assert!(reader.tell(&"https://a.example/").failed().contains("no web"));
}

#[cfg(feature = "schema")]
#[test]
fn schemas_are_derived_of_the_types() {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;
    use troupe_actor::{Actor, Context, Description, Reason};

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    struct Counter {
        count: u64,
    }

    impl Actor for Counter {
        type Message = bool;
        type Reply = u64;

        fn handle(&mut self, _: bool, _: &mut Context) -> Result<u64, Reason> {
            Ok(self.count)
        }

        fn describe() -> Description {
            Description::of::<Self>().config_of::<Option<u8>>()
        }
    }

    let schemas: Value = serde_json::from_str(&Counter::describe().to_json()).expect("JSON");
    let types = ["message", "state", "reply"].map(|part| schemas[part]["type"].clone());
    assert_eq!(types, ["boolean", "object", "integer"]);
    assert_eq!(schemas["state"]["properties"]["count"]["minimum"], 0);
    assert_eq!(schemas["config"]["type"], serde_json::json!(["integer", "null"]));
    assert_eq!(Description::default().to_json(), "{}");
}

#[cfg(feature = "log")]
#[test]
fn the_crate_log_writes_to_the_log_of_the_actor() {
    use troupe_actor::testing::Harness;
    use troupe_actor::{Actor, Context, Level, Reason};

    #[derive(Default, serde::Serialize, serde::Deserialize)]
    struct Talker;

    impl Actor for Talker {
        type Message = u64;
        type Reply = ();

        fn handle(&mut self, n: u64, _: &mut Context) -> Result<(), Reason> {
            log::warn!("told {n}");
            log::trace!("not at this level");
            troupe_actor::info!("done");
            Ok(())
        }
    }

    let mut talker = Harness::<Talker>::new(&()).expect("a talker");
    let log = talker.tell(&7).log;
    assert_eq!(log, [(Level::Warn, "told 7".into()), (Level::Info, "done".into())]);
}
