"""What applications and API commands are given, made of what is asked for.

* ``text``: data that arrives as it is, text that FreeSWITCH expands, words that stay one word
* ``checks``: durations, numbers and names, checked before anything is sent
* ``applications``: what an application is given that runs later, or elsewhere
* ``dial_strings``: whom to call, written for ``bridge`` and ``originate``
* ``digits``: digits that are sent to a channel, or come from it
* ``extensions``: where a channel is sent
* ``numbers``: what FreeSWITCH writes, read back
"""

from __future__ import annotations
