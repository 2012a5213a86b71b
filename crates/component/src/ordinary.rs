//! Components that were not written as actors: commands and handlers of HTTP requests. A message is what they are called
//! with, a reply what they came to, and the state is always `null`.
//!
//! Invariant: a message that cannot be such a call is refused with the key that is wrong, and nothing runs.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use wasmtime::component::{Component, ComponentExportIndex, Instance, Resource};

use crate::World;
use crate::host::{Host, Refused};
use crate::outside::is_token;
use crate::wasi::http::{Fields, IncomingRequest, ResponseOutparam};
use crate::wasi::streams::InputStream;

/// Whom a request asks that names no host. Engines build URLs of it, and give themselves up where there is none.
const AUTHORITY: &str = "localhost";

/// The only state.
pub(crate) const STATE: &[u8] = b"null";

type Store = wasmtime::Store<Host>;

/// Where a component keeps the one function of its world.
#[derive(Clone, Copy)]
pub(crate) struct Ordinary {
    pub(crate) world: World,
    function: ComponentExportIndex,
}

/// What a message asks for.
pub(crate) enum Request {
    /// A run of a command.
    Command { args: Vec<String>, stdin: Vec<u8> },
    /// A request to handle.
    Http(Box<IncomingRequest>),
}

impl Ordinary {
    /// Looks the function up in the interface `export`; `None` if it is missing.
    pub(crate) fn find(component: &Component, world: World, export: &str) -> Option<Self> {
        let interface = component.get_export_index(None, export)?;
        let (name, ..) = world.functions().first()?;
        let function = component.get_export_index(Some(&interface), name)?;
        Some(Self { world, function })
    }

    /// Reads a message.
    pub(crate) fn read(&self, message: &[u8]) -> Result<Request, String> {
        let object = serde_json::from_slice::<Map<String, Value>>(message)
            .map_err(|error| format!("the message is not a JSON object: {error}"))?;
        let mut keys = Keys(object);
        let request = match self.world {
            World::Command => {
                Request::Command { args: keys.args()?, stdin: keys.bytes("stdin")?.unwrap_or_default() }
            }
            _ => Request::Http(Box::new(keys.request()?)),
        };
        keys.none_left()?;
        Ok(request)
    }

    /// Calls the function and gives the reply.
    pub(crate) fn call(
        &self,
        store: &mut Store,
        instance: Instance,
        request: Request,
    ) -> wasmtime::Result<Result<Vec<u8>, String>> {
        match request {
            Request::Command { args, stdin } => {
                let stdio = &mut store.data_mut().wasi.stdio;
                stdio.args = args;
                stdio.input = InputStream::new(stdin);
                stdio.captured = Some(Vec::new());
                let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, self.function)?;
                let exit = match run.call(&mut *store, ()) {
                    Ok((result,)) => u8::from(result.is_err()),
                    Err(error) => match error.downcast_ref() {
                        Some(Refused::Exit(code)) => *code,
                        _ => return Err(error),
                    },
                };
                let stdout = store.data_mut().wasi.stdio.captured.take().unwrap_or_default();
                Ok(Ok(reply([("exit", exit.into())], "stdout", stdout)))
            }
            Request::Http(request) => {
                type Handle = (Resource<IncomingRequest>, Resource<ResponseOutparam>);
                let handle = instance.get_typed_func::<Handle, ()>(&mut *store, self.function)?;
                let exchange = store.data_mut().begin_exchange(*request)?;
                handle.call(&mut *store, exchange)?;
                Ok(store.data_mut().end_exchange().map(|answer| {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let headers: Vec<_> =
                        answer.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
                    let headers = serde_json::to_value(headers).unwrap_or_default();
                    reply([("status", answer.status.into()), ("headers", headers)], "body", answer.body)
                }))
            }
        }
    }
}

/// A JSON object with bytes as its last member: as text, or under a name that says otherwise.
fn reply<const N: usize>(members: [(&str, Value); N], name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let last = match String::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), text),
        Err(error) => (format!("{name}_base64"), BASE64_STANDARD.encode(error.as_bytes())),
    };
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    let members = members.chain([(last.0, Value::String(last.1))]);
    let members: Vec<_> = members.map(|(name, value)| format!("{}:{value}", Value::String(name))).collect();
    format!("{{{}}}", members.join(",")).into_bytes()
}

/// The members of a message that are still to be read.
struct Keys(Map<String, Value>);

impl Keys {
    fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.0.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("the key `{key}` is not a string")),
        }
    }

    fn required(&mut self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("the key `{key}` is missing"))
    }

    /// Bytes as text, or as base64 under another key.
    fn bytes(&mut self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let (text, other) = (self.text(key)?, format!("{key}_base64"));
        match (text, self.text(&other)?) {
            (Some(_), Some(_)) => Err(format!("the keys `{key}` and `{other}` are both there")),
            (text, None) => Ok(text.map(String::into_bytes)),
            (None, Some(base64)) => {
                let bytes = BASE64_STANDARD.decode(base64);
                bytes.map(Some).map_err(|error| format!("the key `{other}` is not base64: {error}"))
            }
        }
    }

    fn args(&mut self) -> Result<Vec<String>, String> {
        let args = self.0.remove("args").map(serde_json::from_value).transpose();
        Ok(args.map_err(|_| "the key `args` is not an array of strings")?.unwrap_or_default())
    }

    fn request(&mut self) -> Result<IncomingRequest, String> {
        let method = self.required("method")?;
        if !is_token(&method) {
            return Err("the key `method` is not a method of HTTP".to_owned());
        }
        let path = self.required("path")?;
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the key `path` is not a path: it begins with `/` and has no spaces".to_owned());
        }
        let headers =
            self.0.remove("headers").map(serde_json::from_value::<Vec<(String, String)>>).transpose();
        let headers = headers.map_err(|_| "the key `headers` is not an array of [name, value]")?;
        let headers = headers.unwrap_or_default();
        let is_value = |value: &str| value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        if !headers.iter().all(|(name, value)| is_token(name) && is_value(value)) {
            return Err("the key `headers` has a name or value that HTTP does not allow".to_owned());
        }
        let host = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let authority = host.map_or(AUTHORITY, |(_, value)| value).to_owned();
        let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let body = Some(self.bytes("body")?.unwrap_or_default());
        Ok(IncomingRequest { method, path, authority, headers: Fields::received(headers), body })
    }

    fn none_left(&self) -> Result<(), String> {
        match self.0.keys().next() {
            Some(key) => Err(format!("there is no key `{key}` in such a message")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_replied_under_another_name() {
        let text =
            |bytes: &[u8]| String::from_utf8(reply([("exit", 0.into())], "stdout", bytes.to_vec())).unwrap();
        assert_eq!(text(b"a\"\n"), r#"{"exit":0,"stdout":"a\"\n"}"#);
        assert_eq!(text(b"\xff"), r#"{"exit":0,"stdout_base64":"/w=="}"#);
    }

    #[test]
    fn what_is_wrong_with_a_message_is_named_by_its_key() {
        let keys = |text: &str| Keys(serde_json::from_str(text).unwrap());
        let args = |text| keys(text).args().unwrap_err();
        assert_eq!(args(r#"{"args":"a"}"#), "the key `args` is not an array of strings");
        assert_eq!(args(r#"{"args":[1]}"#), "the key `args` is not an array of strings");
        let stdin = |text| keys(text).bytes("stdin").unwrap_err();
        assert_eq!(stdin(r#"{"stdin":1}"#), "the key `stdin` is not a string");
        assert!(stdin(r#"{"stdin_base64":"?"}"#).starts_with("the key `stdin_base64` is not base64: "));
        assert_eq!(
            stdin(r#"{"stdin":"","stdin_base64":""}"#),
            "the keys `stdin` and `stdin_base64` are both there"
        );
        let request = |text: &str| keys(text).request().err().unwrap();
        assert_eq!(request("{}"), "the key `method` is missing");
        assert_eq!(request(r#"{"method":"A B","path":"/"}"#), "the key `method` is not a method of HTTP");
        assert_eq!(request(r#"{"method":"GET"}"#), "the key `path` is missing");
        assert!(request(r#"{"method":"GET","path":"a"}"#).starts_with("the key `path` is not a path"));
        let headers = |headers| request(&format!(r#"{{"method":"GET","path":"/","headers":{headers}}}"#));
        assert_eq!(headers("{}"), "the key `headers` is not an array of [name, value]");
        let authority = |headers| {
            let text = format!(r#"{{"method":"GET","path":"/","headers":{headers}}}"#);
            keys(&text).request().unwrap().authority
        };
        assert_eq!(authority("[]"), "localhost");
        assert_eq!(authority(r#"[["Host","example.org:81"]]"#), "example.org:81");
        assert!(headers(r#"[["a","b\n"]]"#).starts_with("the key `headers` has a name or value"));
        assert_eq!(keys(r#"{"x":1}"#).none_left().unwrap_err(), "there is no key `x` in such a message");
    }
}
