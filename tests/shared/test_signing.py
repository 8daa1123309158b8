"""Ed25519 keys and signatures (RFC 8032)."""

import base64

import pytest

from shared.signing import BadKey, PrivateKey, PublicKey

RFC_8032_TEST_2 = {
    "seed": "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "public": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "message": "72",
    "signature": "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
}


def base64url(hexadecimal: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()


def test_the_second_test_vector_of_rfc_8032() -> None:
    key = PrivateKey(bytes.fromhex(RFC_8032_TEST_2["seed"]))
    message = bytes.fromhex(RFC_8032_TEST_2["message"]).decode()
    assert key.public.text == base64url(RFC_8032_TEST_2["public"])
    assert key.sign(message) == base64url(RFC_8032_TEST_2["signature"])


def test_only_the_right_key_message_and_signature_verify() -> None:
    key, other = PrivateKey.generate(), PrivateKey.generate()
    signature = key.sign("xin chào")
    assert key.public.verifies("xin chào", signature)
    assert not other.public.verifies("xin chào", signature)
    assert not key.public.verifies("xin chao", signature)
    assert not key.public.verifies("xin chào", other.sign("xin chào"))


@pytest.mark.parametrize("signature", ["", "A", "not base64!", "chữ ký", "A" * 86, "A" * 10_000])
def test_a_malformed_signature_does_not_verify(signature: str) -> None:
    assert not PrivateKey.generate().public.verifies("m", signature)


@pytest.mark.parametrize("text", ["", "short", "khoá", "A" * 86])
def test_a_malformed_public_key_verifies_nothing(text: str) -> None:
    assert not PublicKey(text).verifies("m", PrivateKey.generate().sign("m"))


def test_a_message_that_is_no_unicode_does_not_verify() -> None:
    key = PrivateKey.generate()
    assert not key.public.verifies("\ud800", key.sign("m"))


def test_a_key_is_written_and_read_again() -> None:
    key = PrivateKey.generate()
    assert len(key.text()) == 43
    assert PrivateKey.parse(key.text() + "\n").public == key.public


@pytest.mark.parametrize("text", ["", "AAAA", "khoá", "A" * 44])
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        PrivateKey.parse(text)


def test_a_private_key_does_not_slip_into_a_log() -> None:
    key = PrivateKey.generate()
    assert key.text() not in f"{key} {key!r} {vars(key)}"
