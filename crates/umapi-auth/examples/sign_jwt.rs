//! Signs the JWT of a service account with a new key, and prints it as JSON with what is needed to verify it.
//! `tests/python/jwt_verify.sh` verifies it with PyJWT.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData as _};
use umapi_auth::{Clock, Endpoint, PrivateKey, ServiceAccount};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let key = PrivateKey::from_pem(&pair.serialize_pem(), None)?;
    let account = ServiceAccount::builder()
        .organization("12345@AdobeOrg")
        .technical_account("1@techacct.adobe.com")
        .client_id("client")
        .client_secret("secret")
        .private_key(key)
        .build()?
        .with_jti();
    let token = account.assertion(&Endpoint::default(), Clock::real().wall())?;
    let public_key = pem::encode(&pem::Pem::new("PUBLIC KEY", pair.subject_public_key_info()));
    println!(
        "{}",
        serde_json::json!({
            "token": token.reveal(),
            "public_key": public_key,
            "audience": "https://ims-na1.adobelogin.com/c/client",
            "claims": {
                "iss": "12345@AdobeOrg",
                "sub": "1@techacct.adobe.com",
                "https://ims-na1.adobelogin.com/s/ent_user_sdk": true,
            },
        })
    );
    Ok(())
}
