"""What may be asked for, and what is refused before anything is sent."""

from __future__ import annotations

import pytest

from esl_outbound import LocalProtocolError
from esl_outbound.arguments.checks import check_uri


@pytest.mark.parametrize("uri", ["", "a b", "sip:a@b\nX: y", "sip:'a'@b", "a,b", "sip:a\\@b", "caf\udce9"])
def test_what_is_no_uri_gets_into_no_sip_message(uri: str) -> None:
    with pytest.raises(LocalProtocolError, match="uri is"):
        check_uri(uri, "uri", without=",")


def test_a_uri_is_not_longer_than_what_freeswitch_keeps_of_it() -> None:
    assert check_uri("4" * 900, "uri") == "4" * 900
    with pytest.raises(LocalProtocolError, match="uri is"):
        check_uri("4" * 901, "uri")
