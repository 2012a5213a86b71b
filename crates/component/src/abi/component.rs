//! The functions as components import them: an interface whose results say what was refused.
//!
//! A call is checked in the order of [`troupe_abi`], but for two things of this engine. Pointers come first, and a wrong one
//! traps. An id in another encoding than UTF-8 is made UTF-8 before its length counts; it is as long as the guest's memory
//! allows.

use std::borrow::Cow;
use std::sync::LazyLock;

use troupe_abi::{Came, Given, admit, cost_of_bytes, perform};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower, WasmList, WasmStr};

use super::{Does, FUNCTIONS, HostError, HostFunction, INTERFACE, MAX_DOCUMENT, MAX_ID, Param, pay};
use crate::host::Host;
use crate::world::Expected;

type Store<'a> = StoreContextMut<'a, Host>;
macro_rules! or_error {
    ($ok:literal) => {
        concat!(
            "result<",
            $ok,
            ", enum { denied, bad-pointer, too-large, malformed, not-found, not-available, exhausted }>"
        )
    };
}

/// The functions of [`INTERFACE`], as a component must import them.
pub(crate) fn expected() -> &'static [Expected] {
    static NAMES: LazyLock<Vec<(String, &HostFunction)>> = LazyLock::new(|| {
        FUNCTIONS.iter().filter_map(|function| Some((function.wit_name()?, function))).collect()
    });
    static EXPECTED: LazyLock<Vec<Expected>> = LazyLock::new(|| {
        let expected = |(name, function): &'static (String, &HostFunction)| -> Expected {
            let params: &[(&str, &str)] = match function.params {
                [Param::Id(_)] => &[("id", "string")],
                [Param::Id(_), Param::Amount(_)] => &[("id", "string"), ("amount", "u64")],
                [Param::Document(_)] => &[("document", "list<u8>")],
                _ => &[],
            };
            let bytes = function.does == Does::ReadsBytes;
            (name, params, Some(if bytes { or_error!("list<u8>") } else { or_error!("u64") }))
        };
        NAMES.iter().map(expected).collect()
    });
    &EXPECTED
}

/// What a component gets of a call.
type Answer<T> = wasmtime::Result<(Result<T, WitError>,)>;

/// Links every function that components import.
pub(crate) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(INTERFACE)?;
    for function in FUNCTIONS {
        let Some(name) = function.wit_name() else { continue };
        match function.params {
            [Param::Id(_)] => interface.func_wrap(&name, move |store: Store<'_>, (id,): (WasmStr,)| {
                with_id(store, function, &id, None)
            })?,
            [Param::Id(_), Param::Amount(_)] => {
                interface.func_wrap(&name, move |store: Store<'_>, (id, amount): (WasmStr, u64)| {
                    with_id(store, function, &id, Some(amount))
                })?
            }
            [Param::Document(_)] => {
                interface.func_wrap(&name, move |store: Store<'_>, (document,): (WasmList<u8>,)| {
                    with_document(store, function, &document)
                })?
            }
            _ => interface.func_wrap(&name, move |store: Store<'_>, (): ()| bare(store, function))?,
        }
    }
    Ok(())
}

fn with_id(
    mut store: Store<'_>,
    function: &'static HostFunction,
    id: &WasmStr,
    amount: Option<u64>,
) -> Answer<u64> {
    charge(&mut store, function.fuel)?;
    if let Err(error) = admit(store.data(), function) {
        return Ok((Err(error.into()),));
    }
    // UTF-8 is looked at where the guest has it; of another encoding this makes UTF-8 first, whose length counts.
    let text = id.to_str(&store)?;
    if text.len() > MAX_ID as usize {
        return Ok((Err(HostError::TooLarge.into()),));
    }
    let text = text.into_owned();
    charge(&mut store, cost_of_bytes(text.len() as u64))?;
    let given = [Some(Given::Id(Cow::Owned(text))), amount.map(Given::Amount)];
    let given: Vec<_> = given.into_iter().flatten().collect();
    value(finish(&mut store, function, &given)?)
}

fn with_document(
    mut store: Store<'_>,
    function: &'static HostFunction,
    document: &WasmList<u8>,
) -> Answer<u64> {
    charge(&mut store, function.fuel)?;
    if let Err(error) = admit(store.data(), function) {
        return Ok((Err(error.into()),));
    }
    if document.len() > MAX_DOCUMENT as usize {
        return Ok((Err(HostError::TooLarge.into()),));
    }
    charge(&mut store, cost_of_bytes(document.len() as u64))?;
    let bytes = document.as_le_slice(&store).to_vec();
    value(finish(&mut store, function, &[Given::Document(Cow::Owned(bytes))])?)
}

fn bare(mut store: Store<'_>, function: &'static HostFunction) -> Answer<Vec<u8>> {
    charge(&mut store, function.fuel)?;
    if let Err(error) = admit(store.data(), function) {
        return Ok((Err(error.into()),));
    }
    Ok((match finish(&mut store, function, &[])? {
        Ok(Came::Bytes(bytes)) => {
            charge(&mut store, cost_of_bytes(bytes.len() as u64))?;
            Ok(bytes)
        }
        Ok(Came::Value(_)) => Err(HostError::NotAvailable.into()),
        Err(error) => Err(error.into()),
    },))
}

fn value(came: Result<Came, HostError>) -> Answer<u64> {
    Ok((match came {
        Ok(Came::Value(value)) => Ok(value),
        Ok(Came::Bytes(_)) => Err(HostError::NotAvailable.into()),
        Err(error) => Err(error.into()),
    },))
}

fn finish(
    store: &mut Store<'_>,
    function: &'static HostFunction,
    given: &[Given<'_>],
) -> wasmtime::Result<Result<Came, HostError>> {
    let came = perform(store.data_mut(), function, given)?;
    // An answer from outside takes its own time, not the guest's.
    if function.reads() {
        let ticks = store.data().deadline;
        store.set_epoch_deadline(ticks);
    }
    Ok(came)
}

fn charge(store: &mut Store<'_>, fuel: u64) -> wasmtime::Result<()> {
    let left = pay(store.get_fuel(), fuel)?;
    store.set_fuel(left)
}

/// `troupe:commons/host.error`.
#[derive(Debug, Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
enum WitError {
    #[component(name = "denied")]
    Denied,
    #[component(name = "bad-pointer")]
    BadPointer,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "malformed")]
    Malformed,
    #[component(name = "not-found")]
    NotFound,
    #[component(name = "not-available")]
    NotAvailable,
    #[component(name = "exhausted")]
    Exhausted,
}

impl From<HostError> for WitError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Denied => Self::Denied,
            HostError::BadPointer => Self::BadPointer,
            HostError::TooLarge => Self::TooLarge,
            HostError::Malformed => Self::Malformed,
            HostError::NotFound => Self::NotFound,
            HostError::NotAvailable => Self::NotAvailable,
            HostError::Exhausted => Self::Exhausted,
        }
    }
}
