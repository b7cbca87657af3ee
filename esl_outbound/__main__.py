"""``python -m esl_outbound`` is ``esl-outbound``."""

from __future__ import annotations

from .cli import main

main(prog_name="esl-outbound")
