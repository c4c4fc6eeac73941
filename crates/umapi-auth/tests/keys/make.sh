#!/usr/bin/env bash
# Makes the keys of this folder anew, with openssl 3: one RSA key in every form that it may be given in, and what is no
# usable key. They open nothing anywhere. The passphrase of each encrypted one is `correct horse`.
set -euo pipefail
cd "$(dirname "$0")"
rm -f ./*.pem

passphrase='correct horse'
legacy=(-provider legacy -provider default)

openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out pkcs8.pem
openssl rsa -in pkcs8.pem -traditional -out pkcs1.pem

# PKCS#8, encrypted (PBES2).
for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des3; do
  openssl pkcs8 -topk8 -in pkcs8.pem -v2 "$cipher" -passout "pass:$passphrase" -out "pkcs8-$cipher.pem"
done
for hash in hmacWithSHA1 hmacWithSHA512; do
  openssl pkcs8 -topk8 -in pkcs8.pem -v2 aes-256-cbc -v2prf "$hash" -passout "pass:$passphrase" -out "pkcs8-$hash.pem"
done
openssl pkcs8 -topk8 -in pkcs8.pem -scrypt -passout "pass:$passphrase" -out pkcs8-scrypt.pem

# PEM, encrypted as a whole: by openssl before PKCS#8, and by user-sync, which puts PKCS#8 into it.
for cipher in aes128 aes192 aes256 des3; do
  openssl rsa -in pkcs8.pem -traditional "-$cipher" -passout "pass:$passphrase" -out "traditional-$cipher.pem"
done
salt=0123456789ABCDEF
md5() { { printf '%s' "$1" | xxd -r -p; printf '%s' "$passphrase"; printf '%s' "$salt" | xxd -r -p; } | openssl md5 -binary | xxd -p; }
first=$(md5 '')
key=$(printf '%s%s' "$first" "$(md5 "$first")" | head -c 48)
{
  printf -- '-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,%s\n\n' "$salt"
  openssl pkcs8 -topk8 -nocrypt -in pkcs8.pem -outform DER | openssl enc -des-ede3-cbc -K "$key" -iv "$salt" | openssl base64
  printf -- '-----END PRIVATE KEY-----\n'
} | tr '\n' '\r' > user-sync.pem

# Encrypted in ways that are not read.
openssl pkcs8 -topk8 -in pkcs8.pem -v1 PBE-SHA1-3DES -passout "pass:$passphrase" -out pbes1-sha1-3des.pem
openssl pkcs8 -topk8 -in pkcs8.pem -v1 PBE-MD5-DES "${legacy[@]}" -passout "pass:$passphrase" -out pbes1-md5-des.pem
openssl pkcs8 -topk8 -in pkcs8.pem -v1 PBE-SHA1-RC4-128 "${legacy[@]}" -passout "pass:$passphrase" -out pbes1-sha1-rc4.pem
openssl pkcs8 -topk8 -in pkcs8.pem -v2 camellia-256-cbc -passout "pass:$passphrase" -out pkcs8-camellia.pem
openssl rsa -in pkcs8.pem -traditional -camellia256 -passout "pass:$passphrase" -out traditional-camellia.pem

# No private key of RSA, or too short a one.
openssl pkey -in pkcs8.pem -pubout -out public.pem
openssl rsa -in pkcs8.pem -RSAPublicKey_out -out public-pkcs1.pem
openssl req -x509 -new -key pkcs8.pem -subj /CN=umapi-auth -days 36500 -out certificate.pem
openssl req -new -key pkcs8.pem -subj /CN=umapi-auth -out request.pem
openssl genrsa -traditional -out short.pem 1024
openssl ecparam -genkey -name prime256v1 -out elliptic.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out pss.pem
