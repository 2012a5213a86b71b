//! Keys in devices that never give them away: signing through PKCS#11, with the mechanism EdDSA over Ed25519.
//!
//! Invariant: a secret key is made in the device, as one that cannot be taken out; what is kept outside is its identifier. A
//! module (the device's library) is code that runs in this process: it is loaded only when a person named it.

mod token;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use troupe_chain::DidKey;

use crate::key::{NoEntropy, NotSigned, Signer};
use crate::sealed::Passphrase;

pub use token::{FoundToken, Token};

/// The curve by name, as PKCS#11 3.0 has it: a printable string in DER.
const CURVE_BY_NAME: &[u8] = b"\x13\x0cedwards25519";
/// The curve by its object identifier, 1.3.101.112, which other devices expect.
const CURVE_BY_ID: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
/// What comes before the 32 bytes of a point that is an octet string in DER.
const POINT_HEAD: [u8; 2] = [0x04, 0x20];
/// What is signed to see that the device signs with the key that it shows.
const TRIAL: &[u8] = b"troupe.trial/v1\n";

/// Why a device does not do what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The library cannot be loaded, or is none for PKCS#11.
    #[error("{}: {reason}", module.display())]
    Module {
        /// The library.
        module: PathBuf,
        /// What happened.
        reason: String,
    },
    /// No device is as said.
    #[error("{} has no {wanted}; it has {}", wanted.module.display(), list(there))]
    NoToken {
        /// What was looked for.
        wanted: Token,
        /// What there is.
        there: Vec<FoundToken>,
    },
    /// Several devices are as said.
    #[error("{} has more than one {wanted}: {}", wanted.module.display(), list(there))]
    SeveralTokens {
        /// What was looked for.
        wanted: Token,
        /// Those that fit.
        there: Vec<FoundToken>,
    },
    /// The PIN is another.
    #[error("the PIN is wrong")]
    Pin,
    /// The device has locked itself.
    #[error("the PIN is locked: the device has to be unlocked with its own tools")]
    PinLocked,
    /// There is no such key.
    #[error("the token has no key {0}")]
    NoKey(String),
    /// The key is not one that can be used here.
    #[error("the token's key is no Ed25519 key that signs: {0}")]
    OtherKey(&'static str),
    /// The system has no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The device failed.
    #[error("the token refused to {doing}: {error}")]
    Refused {
        /// What it was asked for.
        doing: &'static str,
        /// What it says.
        error: String,
    },
}

fn list(tokens: &[FoundToken]) -> String {
    let tokens: Vec<_> = tokens.iter().map(ToString::to_string).collect();
    if tokens.is_empty() { "none".to_owned() } else { tokens.join(", ") }
}

/// A signer whose key is in a device, which signs one message at a time.
pub struct DeviceSigner {
    did: DidKey,
    id: String,
    token: FoundToken,
    open: Mutex<(Session, ObjectHandle)>,
}

impl fmt::Debug for DeviceSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSigner({})", self.did)
    }
}

impl DeviceSigner {
    /// Makes a key in the device. It is called `label` there.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn create(token: &Token, pin: &Passphrase, label: &str) -> Result<Self, DeviceError> {
        let (session, token) = token.session(pin, true)?;
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| NoEntropy::new(&error))?;
        let (public, secret) = make(&session, CURVE_BY_NAME, &id, label)
            .or_else(|_| make(&session, CURVE_BY_ID, &id, label))
            .map_err(refused("make an Ed25519 key"))?;
        Self::of((session, token), public, secret, &id)
    }

    /// Opens a key of the device by its identifier, in hex.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn open(token: &Token, pin: &Passphrase, id: &str) -> Result<Self, DeviceError> {
        let no_key = || DeviceError::NoKey(id.to_owned());
        let bytes = of_hex(id).ok_or_else(no_key)?;
        let (session, token) = token.session(pin, false)?;
        let find = |class| -> Result<ObjectHandle, DeviceError> {
            let wanted = [Attribute::Class(class), Attribute::Id(bytes.clone())];
            let found = session.find_objects(&wanted).map_err(refused("look for the key"))?;
            found.first().copied().ok_or_else(no_key)
        };
        let (public, secret) = (find(ObjectClass::PUBLIC_KEY)?, find(ObjectClass::PRIVATE_KEY)?);
        Self::of((session, token), public, secret, &bytes)
    }

    fn of(
        (session, token): (Session, FoundToken),
        public: ObjectHandle,
        secret: ObjectHandle,
        id: &[u8],
    ) -> Result<Self, DeviceError> {
        let point = session
            .get_attributes(public, &[AttributeType::EcPoint])
            .map_err(refused("show the public key"))?;
        let point = point.iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(point) => Some(point.strip_prefix(&POINT_HEAD).unwrap_or(point)),
            _ => None,
        });
        let bytes = point.and_then(|point| point.try_into().ok());
        let bytes = bytes.ok_or(DeviceError::OtherKey("its point does not have 32 bytes"))?;
        let did =
            DidKey::from_bytes(bytes).map_err(|_| DeviceError::OtherKey("its point is not on the curve"))?;
        let trial = sign(&session, secret, TRIAL).map_err(refused("sign"))?;
        if !trial.is_some_and(|signature| did.verify(TRIAL, &signature)) {
            return Err(DeviceError::OtherKey("what it signs is not verified"));
        }
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { did, id, token, open: Mutex::new((session, secret)) })
    }

    /// The key's identifier in the device, in hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token that the key is in.
    pub fn token(&self) -> &FoundToken {
        &self.token
    }
}

impl Signer for DeviceSigner {
    fn did(&self) -> &DidKey {
        &self.did
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], NotSigned> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let not_signed = |reason| NotSigned { did: self.did.to_string(), reason };
        let signature = sign(&open.0, open.1, message).map_err(|error| not_signed(error.to_string()))?;
        signature.ok_or_else(|| not_signed("the signature does not have 64 bytes".to_owned()))
    }
}

fn sign(session: &Session, key: ObjectHandle, message: &[u8]) -> Result<Option<[u8; 64]>, Error> {
    let pure = EddsaParams::new(EddsaSignatureScheme::Ed25519);
    Ok(session.sign(&Mechanism::Eddsa(pure), key, message)?.try_into().ok())
}

fn make(
    session: &Session,
    curve: &[u8],
    id: &[u8],
    label: &str,
) -> Result<(ObjectHandle, ObjectHandle), Error> {
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::EcParams(curve.to_vec()),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let secret = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Id(id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &secret)
}

fn refused(doing: &'static str) -> impl Fn(Error) -> DeviceError {
    move |error| DeviceError::Refused { doing, error: error.to_string() }
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    text.as_bytes().chunks(2).map(pair).collect()
}
