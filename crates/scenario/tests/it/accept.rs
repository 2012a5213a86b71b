//! What was found is written where the file asks for it, and nowhere else.

use super::{actor::Echo, play, suite, wrong};

/// The file after everything that may be written was, and how much that was.
fn accepted(text: &str) -> (String, usize) {
    let played = play(text);
    let suite = suite(text).unwrap();
    let accepted = troupe_scenario::accept(text, &suite.scenarios[0], &played.findings).unwrap();
    (accepted.text, accepted.written)
}

#[test]
fn a_question_mark_is_replaced_and_the_rest_stays_as_it_was() {
    let text = "# mine\n[[step]]\nmessage = {  say = 'a' }  # one\n  state =  \"?\"  # two\nsends = '?'\n\
                reply = \"?\"\n";
    let (after, written) = accepted(text);
    assert_eq!(
        after,
        "# mine\n[[step]]\nmessage = {  say = 'a' }  # one\n  \
         state =  '{\"from\":\"http\",\"last\":\"a\",\"seen\":1}'  # two\nsends = []\n\
         reply = '{\"at\":1767225600000,\"seq\":2}'\n"
    );
    assert_eq!(written, 3);
    assert_eq!(wrong(&after), [""; 0]);
}

#[test]
fn a_snapshot_is_written_whole_and_written_again_when_it_differs() {
    let send = "{ kind = 'timer', after = 9, message = 1 }";
    let text = format!("[[step]]\nsnapshot = true\nmessage = {{ do = [{send}] }}\nstate = {{ seen = 7 }}\n");
    assert_eq!(wrong(&text).len(), 3);
    let (after, written) = accepted(&text);
    assert_eq!(written, 3);
    assert!(
        after.contains("sends = [{ timer = 9, message = \"1\" }]") || after.contains("message = \"1\""),
        "{after}"
    );
    assert_eq!(wrong(&after), [""; 0]);
    let refused = "[[step]]\nsnapshot = true\nraw = 'x'\n";
    let (after, _) = accepted(refused);
    assert_eq!(after, format!("{refused}refused = \"not JSON\"\n"));
    assert_eq!(wrong(&after), [""; 0]);
}

#[test]
fn what_a_person_wrote_is_never_written_over() {
    let text = "[[step]]\nmessage = 1\nstate = { seen = 7 }\n";
    assert_eq!(accepted(text), (text.to_owned(), 0));
}

#[test]
fn a_step_of_an_inline_list_and_init_are_found() {
    let text =
        "[[scenario]]\nstep = [{ message = 1, reply = '?' }]\n[[scenario]]\n[scenario.init]\nstate = '?'\n";
    let suite = suite(text).unwrap();
    let mut after = text.to_owned();
    for scenario in &suite.scenarios {
        let played = troupe_scenario::run(&suite, scenario, &Echo);
        after = troupe_scenario::accept(&after, scenario, &played.findings).unwrap().text;
    }
    assert!(after.contains("reply = '{\"at\":1767225600000,\"seq\":2}' }"), "{after}");
    assert!(after.contains("state = '{\"seen\":0}'\n"), "{after}");
}
