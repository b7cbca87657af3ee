"""How long the sounds of the simulated FreeSWITCH last."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

import pytest

from esl_outbound.testing.sounds import Sounds


def write_wav(path: Path, seconds: float, rate: int = 8000) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(seconds * rate) * 2))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


ULAW = struct.pack("<HHIIHHH", 7, 1, 8000, 8000, 1, 8, 0)


def test_a_sound_lasts_as_long_as_the_test_says() -> None:
    sounds = Sounds()
    sounds.add("ivr/welcome.wav", 2.5)
    sounds.add("music.wav", math.inf)
    assert sounds.length("ivr/welcome.wav") == 2.5
    assert sounds.length("/usr/share/sounds/en/ivr/welcome.wav") == 2.5
    assert sounds.length("ivr/welcome") == 2.5
    assert sounds.length("/usr/share/sounds/en/ivr/welcome") == 2.5
    assert sounds.length("not-ivr/welcome.wav") == 1.0
    assert sounds.length("music.wav") == math.inf


def test_the_whole_path_counts_most_then_the_latest_pattern_then_the_longest_end() -> None:
    sounds = Sounds()
    sounds.add("welcome.wav", 1.5)
    sounds.add("en/ivr/welcome.wav", 2.5)
    assert sounds.length("/sounds/en/ivr/welcome.wav") == 2.5
    assert sounds.length("/sounds/fr/ivr/welcome.wav") == 1.5
    sounds.add("ivr/*.wav", 3.5)
    assert sounds.length("ivr/goodbye.wav") == 3.5
    assert sounds.length("/sounds/en/ivr/welcome.wav") == 3.5
    sounds.add("*/w*.wav", 4.5)
    assert sounds.length("/sounds/en/ivr/welcome.wav") == 4.5
    sounds.add("ivr/*.wav", 5.5)
    assert sounds.length("/sounds/en/ivr/welcome.wav") == 5.5
    sounds.add("/sounds/en/ivr/welcome.wav", 6.5)
    sounds.add("*", 7.5)
    assert sounds.length("/sounds/en/ivr/welcome.wav") == 6.5


def test_a_missing_sound_is_missing_until_it_is_added_or_recorded() -> None:
    sounds = Sounds()
    sounds.missing("gone.wav")
    assert sounds.length("gone.wav") is None
    assert sounds.length("/x/gone.wav") is None
    sounds.add("gone.wav", 2.0)
    assert sounds.length("gone.wav") == 2.0
    sounds.missing("*")
    sounds.record("/tmp/message.wav", 4.0)
    assert sounds.length("/tmp/message.wav") == 4.0
    assert sounds.length("/tmp/other.wav") is None


def test_a_recorded_file_lasts_as_long_as_it_was_recorded() -> None:
    sounds = Sounds(exist_by_default=False)
    assert sounds.length("message.wav") is None
    sounds.record("message.wav", 4.0)
    assert sounds.length("/tmp/message.wav") == 4.0
    sounds.record("message.wav", 5.0)
    assert sounds.length("message.wav") == 5.0
    sounds.missing("message.wav")
    assert sounds.length("message.wav") is None
    sounds.record("message.wav", 6.0)
    assert sounds.length("message.wav") == 6.0
    sounds.record("[1].wav", 7.0)
    assert sounds.length("[1].wav") == 7.0


def test_an_unknown_file_lasts_a_second_or_what_the_test_likes_or_does_not_exist() -> None:
    assert Sounds().length("unknown.wav") == 1.0
    assert Sounds().length("/nonexistent/unknown.wav") == 1.0
    assert Sounds().length("https://example.org/x.mp3") == 1.0
    assert Sounds(default_seconds=3.0).length("unknown.wav") == 3.0
    assert Sounds(exist_by_default=False).length("unknown.wav") is None
    assert Sounds(exist_by_default=False).length("/nonexistent/unknown.wav") is None
    assert Sounds(exist_by_default=False).length("https://example.org/x.mp3") is None
    assert Sounds().length("") is None
    assert Sounds().length("{a=b}") is None


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_a_sound_cannot_last_less_than_nothing(seconds: float) -> None:
    with pytest.raises(ValueError, match="cannot last"):
        Sounds().add("x.wav", seconds)
    with pytest.raises(ValueError, match="cannot last"):
        Sounds().record("x.wav", seconds)


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        ("silence_stream://250", 0.25),
        ("silence_stream://250,1400", 0.25),
        ("silence_stream://-1", math.inf),
        ("silence_stream://0", None),
        ("silence_stream://long", None),
        ("local_stream://moh", math.inf),
        ("say:hello", 1.0),
        ("phrase:spell:abc", 1.0),
        ("tts://flite|kal|hello", 1.0),
    ],
)
def test_schemes_last_as_long_as_they_say(path: str, seconds: float | None) -> None:
    assert Sounds(exist_by_default=False).length(path) == seconds


@pytest.mark.parametrize(
    ("tones", "seconds"),
    [
        ("%(500,0,400)", 0.5),
        ("%(2000,4000,440,480)", 6.0),
        ("%(2000,4000,440,480);loops=3", 18.0),
        ("%(2000,4000,440,480);LOOPS=1", 6.0),
        ("%(2000,4000,440,480);loops=0", 6.0),
        ("%(2000,4000,440,480);loops=-1", math.inf),
        ("%(400,200,400,450);%(400,2000,400,450)", 3.0),
        ("%(400,200,400,450)%(400,2000,400,450)", 3.0),
        ("%(100,0,400) %(100,0,500)\r\n;;%(100,0,600)", 0.3),
        ("%(100,0,400); %(100,0,500)", 0.2),
        ("L=3;%(500,500,400)", 3.0),
        ("l=2;%(500,500,400);%(500,500,400)", 3.0),
        ("l=-1;%(500,500,400)", math.inf),
        ("v=-7;%(500,0,400)", 0.5),
        ("r=16000;%(500,0,400)", 1.0),
        ("r=4000;d=1000;w=0;1", 0.5),
        (">=2;+=1;c=1;%(500,0,400)", 0.5),
        ("1", 0.3125),
        ("d=100;w=50;12#", 0.45),
        ("1(100,50)", 0.15),
        ("1(-1,-1)", 0.3125),
        ("d=100;w=50;1?x2", 0.3),
        ("%(500,500,0)", 0.0),
        ("%(500,500,0);loops=-1", 0.0),
        ("%(500,250,-1)", 0.25),
        ("%(500,500)", 0.0),
        ("%(500,0,400);%(500);%(500,0,400)", 0.5),
        ("X(1)", 0.0),
        ("", 0.0),
        ("path=/etc/ring.ttml", 1.0),
        ("path=/etc/ring.ttml;loops=2", 2.0),
        ("path=/etc/ring.ttml;loops=-1", math.inf),
    ],
)
def test_tones_last_as_long_as_the_generator_makes_them(tones: str, seconds: float) -> None:
    assert Sounds().length(f"tone_stream://{tones}") == pytest.approx(seconds)


def test_an_option_at_the_end_of_a_tone_is_played_as_digits() -> None:
    # teletone_run() goes on behind the option's letter: the 7 of the volume is heard, 250 ms and 62.5 ms of wait.
    assert Sounds().length("tone_stream://%(500,0,400);v=-7") == pytest.approx(0.8125)


def test_a_file_string_is_the_sum_of_the_parts_that_exist() -> None:
    sounds = Sounds(exist_by_default=False)
    sounds.add("a.wav", 1.5)
    sounds.add("b.wav", 2.0)
    assert sounds.length("file_string://a.wav!b.wav") == 3.5
    assert sounds.length("file_string://a.wav!gone.wav!b.wav") == 3.5
    assert sounds.length("file_string://a.wav!silence_stream://500!b.wav") == 4.0
    assert sounds.length("file_string://a.wav!local_stream://moh") == math.inf
    assert sounds.length("file_string://gone.wav!gone2.wav") is None
    assert sounds.length("file_string://") is None


def test_a_file_can_be_started_at_a_sample() -> None:
    sounds = Sounds()
    sounds.add("a.wav", 5.0)
    sounds.add("user@host.wav", 6.0)
    assert sounds.length("a.wav@@16000") == 3.0
    assert sounds.length("a.wav@@80000") == 0.0
    assert sounds.length("a.wav@@") == 5.0
    assert sounds.length("{x=y}a.wav@@8000") == 4.0
    assert sounds.length("user@host.wav") == 6.0
    assert sounds.length("silence_stream://2000@@8000") == 2.0


def test_variables_before_a_path_are_no_part_of_it() -> None:
    sounds = Sounds(exist_by_default=False)
    sounds.add("a.wav", 5.0)
    assert sounds.length("{x=y}a.wav") == 5.0
    assert sounds.length("{x=y}{z=y} a.wav") == 5.0
    assert sounds.length("{timeout=2000}a.wav") == 2.0
    assert sounds.length("{timeout=9000}a.wav") == 5.0
    assert sounds.length("{timeout=2000}gone.wav") is None
    assert sounds.length("{loops=3}tone_stream://%(500,0,400)") == 1.5
    assert sounds.length("{loops=-1}tone_stream://%(500,0,400);loops=2") == math.inf
    assert sounds.length("{x=y") is None


def test_what_the_test_says_counts_more_than_a_scheme_or_a_file(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.5)
    sounds = Sounds(folder=tmp_path)
    sounds.add("say:hello", 4.0)
    sounds.add("tone_stream://*", 5.0)
    sounds.add("a.wav", 6.0)
    sounds.add("a.wav@@8000", 7.0)
    assert sounds.length("say:hello") == 4.0
    assert sounds.length("tone_stream://%(500,0,400)") == 5.0
    assert sounds.length("a.wav") == 6.0
    assert sounds.length("a.wav@@8000") == 7.0


def test_a_real_file_lasts_as_long_as_its_header_says(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.5)
    write_wav(tmp_path / "ivr" / "16000" / "b.wav", 0.75, 16000)
    assert Sounds().length(f"{tmp_path}/a.wav") == 0.5
    assert Sounds().length(f"{tmp_path}/ivr/b.wav") == 0.75
    assert Sounds().length("a.wav") == 1.0
    sounds = Sounds(folder=tmp_path, exist_by_default=False)
    assert sounds.length("a.wav") == 0.5
    assert sounds.length("ivr/b.wav") == 0.75
    assert sounds.length("c.wav") is None
    assert sounds.length(f"{tmp_path}/a.wav@@2000") == 0.25


def test_a_path_without_extension_is_a_wav_file(tmp_path: Path) -> None:
    folder = Path(str(tmp_path).replace(".", "_"))
    write_wav(folder / "a.wav", 0.5)
    assert Sounds(folder=folder).length("a") == 0.5


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (riff((b"fmt ", ULAW), (b"fact", b"\0\0\0\0"), (b"LIST", b"odd"), (b"data", bytes(4000))), 0.5),
        (riff((b"fmt ", ULAW), (b"data", b""))[:-4] + b"\xff\xff\xff\xff" + bytes(2000), 0.25),
        (riff((b"fmt ", ULAW), (b"data", b"")) + bytes(2000), 0.25),
        (riff((b"fmt ", ULAW), (b"data", bytes(4000)))[:-2000], 0.25),
        (riff((b"fmt ", ULAW), (b"data", b"")), 0.0),
        (riff((b"fmt ", ULAW)), None),
        (riff((b"data", bytes(4000))), None),
        (b"not a sound", None),
        (b"", None),
    ],
)
def test_a_wav_file_of_any_codec_is_measured_and_a_broken_one_cannot_be_played(
    tmp_path: Path, data: bytes, seconds: float | None
) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    assert Sounds(folder=tmp_path).length("a.wav") == seconds


@pytest.mark.parametrize(
    ("name", "seconds"), [("a.ulaw", 2.0), ("a.alaw", 2.0), ("a.PCMU", 2.0), ("a.sln", 1.0), ("a.raw", 1.0)]
)
def test_a_file_without_header_is_measured_by_its_size(tmp_path: Path, name: str, seconds: float) -> None:
    (tmp_path / name).write_bytes(bytes(16000))
    assert Sounds(folder=tmp_path).length(name) == seconds


def test_a_file_that_cannot_be_measured_lasts_the_default_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    (tmp_path / "b.wav").mkdir()
    sounds = Sounds(folder=tmp_path, default_seconds=3.0, exist_by_default=False)
    assert sounds.length("a.mp3") == 3.0
    assert sounds.length("b.wav") is None
    assert Sounds(folder=tmp_path).length("b.wav") is None
    assert sounds.length("x" * 5000 + ".wav") is None
    assert Sounds(folder=tmp_path).length("x" * 5000 + ".wav") == 1.0
