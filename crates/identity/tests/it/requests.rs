//! Signed requests: the RFC's own examples, and every way in which a request is not its sender's.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use troupe_identity::http::{
    NonceWindow, NotVerified, Parameters, Party, Replayed, Request, SignedFields, Verified, WindowBounds,
    content_digest, sign, signature_base, verify,
};
use troupe_identity::{DidKey, SecretKey, Signer as _};

const NOW: u64 = 1_618_884_473;
const BODY: &[u8] = b"{\"hello\": \"world\"}";

/// The fields of the request that the examples of RFC 9421, appendix B.2 sign.
const FIELDS: [(&str, &str); 5] = [
    ("Host", "example.com"),
    ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("Content-Type", "application/json"),
    (
        "Content-Digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ),
    ("Content-Length", "18"),
];

fn example<'a>(fields: &'a [(&'a str, &'a str)]) -> Request<'a> {
    let query = Some("param=Value&Pet=dog");
    Request { method: "POST", authority: "example.com", path: "/foo", query, fields }
}

/// `test-key-ed25519` of RFC 9421, appendix B.1.4.
fn rfc_key() -> SecretKey {
    let seed = URL_SAFE_NO_PAD.decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU").unwrap();
    let key = SecretKey::from_seed(&seed.try_into().unwrap());
    let public = URL_SAFE_NO_PAD.decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs").unwrap();
    assert_eq!(key.did().as_bytes()[..], public);
    key
}

/// RFC 9421, appendix B.2.6.
#[test]
fn the_base_and_the_signature_of_the_rfc_come_out() {
    let params = "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
                  ;created=1618884473;keyid=\"test-key-ed25519\"";
    let parameters = Parameters::parse(params).unwrap();
    assert_eq!(parameters.to_string(), params);
    let base = signature_base(&example(&FIELDS), &parameters.covered, params).unwrap();
    let expect = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\
                  \"@authority\": example.com\n\"content-type\": application/json\n\"content-length\": 18\n\
                  \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \
                  \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    assert_eq!(base, expect);
    let signature =
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    assert_eq!(STANDARD.encode(rfc_key().sign(base.as_bytes()).unwrap()), signature);
}

/// RFC 9530, appendix B, and RFC 9421, 2.2.7.
#[test]
fn digests_and_queries_are_as_the_rfcs_have_them() {
    assert_eq!(content_digest(BODY), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
    let base = |request| signature_base(&request, &["@query".to_owned()], "()").unwrap();
    assert!(base(example(&[])).starts_with("\"@query\": ?param=Value&Pet=dog\n"));
    assert!(base(Request { query: None, ..example(&[]) }).starts_with("\"@query\": ?\n"));
}

#[test]
fn fields_are_trimmed_and_put_together() {
    let fields = [("X-A", " one "), ("x-a", "two\t")];
    let base = signature_base(&example(&fields), &["x-a".to_owned()], "()").unwrap();
    assert!(base.starts_with("\"x-a\": one, two\n"));
    let broken = [("x-a", "one\n\"@method\": GET")];
    assert!(signature_base(&example(&broken), &["x-a".to_owned()], "()").is_err());
}

fn signed() -> SignedFields {
    sign(&rfc_key(), &example(&[]), BODY, (NOW, NOW + 60), "nonce-1").unwrap()
}

fn checked(
    fields: &SignedFields,
    change: impl FnOnce(&mut Request<'_>),
    body: &[u8],
    now: u64,
) -> Result<DidKey, NotVerified> {
    let headers = [
        ("content-digest", fields.content_digest.as_str()),
        ("signature-input", &fields.signature_input),
        ("signature", &fields.signature),
    ];
    let mut request = example(&headers);
    change(&mut request);
    verify(&request, body, now).map(|verified| verified.did)
}

#[test]
fn what_is_signed_is_verified() {
    assert_eq!(checked(&signed(), |_| {}, BODY, NOW), Ok(rfc_key().did().clone()));
    let others = SignedFields {
        signature_input: format!("proxy=(\"@method\");created=1, {}", signed().signature_input),
        signature: format!("{}, proxy=:AAAA:", signed().signature),
        ..signed()
    };
    assert!(checked(&others, |_| {}, BODY, NOW).is_ok(), "other signatures are passed over");
}

#[test]
fn another_request_is_not_verified() {
    let not = |result: Result<DidKey, NotVerified>| {
        assert!(matches!(result, Err(NotVerified::Signature(_))), "{result:?}")
    };
    not(checked(&signed(), |request| request.method = "PUT", BODY, NOW));
    not(checked(&signed(), |request| request.authority = "example.org", BODY, NOW));
    not(checked(&signed(), |request| request.path = "/bar", BODY, NOW));
    not(checked(&signed(), |request| request.query = None, BODY, NOW));
    assert_eq!(checked(&signed(), |_| {}, b"other", NOW), Err(NotVerified::Digest));
    let digest = SignedFields { content_digest: content_digest(b"other"), ..signed() };
    not(checked(&digest, |_| {}, b"other", NOW));
    let later = SignedFields { signature_input: signed().signature_input.replace("533", "543"), ..signed() };
    not(checked(&later, |_| {}, BODY, NOW));
    let key = SecretKey::from_seed(&[1; 32]);
    let keyid = signed().signature_input.replace(&rfc_key().did().to_string(), &key.did().to_string());
    not(checked(&SignedFields { signature_input: keyid, ..signed() }, |_| {}, BODY, NOW));
}

#[test]
fn a_signature_is_good_for_its_time_alone() {
    for (now, good) in [(NOW - 31, false), (NOW - 30, true), (NOW + 60, true), (NOW + 61, false)] {
        assert_eq!(checked(&signed(), |_| {}, BODY, now).is_ok(), good, "{now}");
    }
    for times in [(NOW, NOW + 301), (NOW + 1, NOW)] {
        let fields = sign(&rfc_key(), &example(&[]), BODY, times, "n").unwrap();
        assert!(matches!(checked(&fields, |_| {}, BODY, NOW), Err(NotVerified::Time { .. })), "{times:?}");
    }
}

#[test]
fn all_that_matters_must_be_covered_and_said() {
    let input = signed().signature_input;
    for component in ["@method", "@authority", "@path", "@query", "content-digest"] {
        let less = input.replace(&format!("\"{component}\""), "").replace("( ", "(");
        let fields = SignedFields { signature_input: less, ..signed() };
        assert_eq!(checked(&fields, |_| {}, BODY, NOW), Err(NotVerified::NotCovered(component)));
    }
    for parameter in [";created=1618884473", ";expires=1618884533", ";nonce=\"nonce-1\""] {
        let fields = SignedFields { signature_input: input.replace(parameter, ""), ..signed() };
        assert!(
            matches!(checked(&fields, |_| {}, BODY, NOW), Err(NotVerified::Parameters(_))),
            "{parameter}"
        );
    }
    for odd in [
        input.replace("troupe=", "other="),
        format!("{input}, {input}"),
        input.replace("\"@path\"", "\"@path\";req"),
        input.replace("\"@path\"", "\"@path\" \"@path\""),
        input.replace("ed25519\"", "rsa-pss-sha512\""),
        format!("{input};created=5"),
        format!("{input};other=5"),
        format!("{input} "),
    ] {
        let fields = SignedFields { signature_input: odd.clone(), ..signed() };
        let same = odd.trim_end() == input;
        assert_eq!(checked(&fields, |_| {}, BODY, NOW).is_ok(), same, "{odd}");
    }
    let gone = Request { fields: &[], ..example(&[]) };
    assert_eq!(verify(&gone, BODY, NOW), Err(NotVerified::Field("Content-Digest")));
}

#[test]
fn a_nonce_is_taken_once_while_it_is_good() {
    let fields = signed();
    let headers = [
        ("content-digest", fields.content_digest.as_str()),
        ("signature-input", &fields.signature_input),
        ("signature", &fields.signature),
    ];
    let verified = verify(&example(&headers), BODY, NOW).unwrap();
    let mut window = NonceWindow::new(WindowBounds { party: 2, key: 2 });
    let mut take = |verified: &Verified, now| window.take(verified, Party::Member, now);
    assert_eq!(take(&verified, NOW), Ok(()));
    assert_eq!(take(&verified, NOW + 60), Err(Replayed::Seen));
    let other = |nonce: &str| Verified { nonce: nonce.into(), ..verified.clone() };
    assert_eq!(take(&other("2"), NOW), Ok(()));
    assert_eq!(take(&other("3"), NOW), Err(Replayed::Full), "nothing good is forgotten");
    assert_eq!(take(&other("3"), NOW + 61), Ok(()), "what has expired is");
}

/// A request of a key, by number, with a nonce, by number.
fn verified(key: u8, nonce: usize) -> Verified {
    let did = SecretKey::from_seed(&[key; 32]).did().clone();
    Verified { did, nonce: nonce.to_string(), created: NOW, expires: NOW + 60 }
}

#[test]
fn strangers_do_not_lock_members_out_nor_one_key_another() {
    let mut window = NonceWindow::new(WindowBounds { party: 6, key: 4 });
    for number in 0..6 {
        assert_eq!(window.take(&verified(number, 0), Party::Stranger, NOW), Ok(()));
    }
    assert_eq!(window.take(&verified(6, 0), Party::Stranger, NOW), Err(Replayed::Full));
    for nonce in 0..4 {
        assert_eq!(window.take(&verified(10, nonce), Party::Member, NOW), Ok(()), "{nonce}");
    }
    assert_eq!(window.take(&verified(10, 4), Party::Member, NOW), Err(Replayed::KeyFull));
    assert_eq!(window.take(&verified(11, 0), Party::Member, NOW), Ok(()));
    // All of that is forgotten, and counted no more, when it has expired.
    let later = |key, nonce| Verified { expires: NOW + 120, ..verified(key, nonce) };
    for nonce in 0..4 {
        assert_eq!(window.take(&later(10, nonce), Party::Member, NOW + 61), Ok(()), "{nonce}");
    }
    assert_eq!(window.take(&later(6, 0), Party::Stranger, NOW + 61), Ok(()));
}

#[test]
fn what_a_stranger_sent_counts_no_second_time_when_they_have_become_a_member() {
    let mut window = NonceWindow::new(WindowBounds { party: 2, key: 2 });
    assert_eq!(window.take(&verified(1, 0), Party::Stranger, NOW), Ok(()));
    assert_eq!(window.take(&verified(1, 0), Party::Member, NOW), Err(Replayed::Seen));
}

proptest! {
    #[test]
    fn fields_of_any_kind_are_refused_without_a_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,80}") {
        let signed = signed();
        for (signature_input, signature) in [
            (input.clone(), signature.clone()),
            (format!("troupe={input}"), format!("troupe={signature}")),
            (signed.signature_input.clone(), format!("troupe=:{signature}:")),
            (format!("{}{input}", signed.signature_input), signed.signature.clone()),
        ] {
            let fields = SignedFields { signature_input, signature, ..signed.clone() };
            let same = fields.signature_input.trim_end() == signed.signature_input && fields.signature == signed.signature;
            let refused = checked(&fields, |_| {}, BODY, NOW).is_err();
            prop_assert!(same || refused || input.trim_start().starts_with(','), "{fields:?}");
        }
    }
}
