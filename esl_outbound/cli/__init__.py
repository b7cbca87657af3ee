"""The command line, ``esl-outbound``.

* ``serve``, ``call``, ``demo``, ``dialplan``: a server, and the way to it (``main``)
* ``doctor``, ``originate``, ``events``: on a connection with FreeSWITCH (``switch_commands``)
"""

from __future__ import annotations

from .main import main

__all__ = ["main"]
