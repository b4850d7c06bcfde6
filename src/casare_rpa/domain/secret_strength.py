"""Whether a secret that a person chose can be guessed: short rules without large dictionaries.

It refuses what guessing tools try first: few different characters, repeated texts, sequences, and common words.
"""

import re

MIN_DIFFERENT_CHARACTERS = 8
MIN_OTHER_CHARACTERS = 6
"""Letters and digits that remain without common words and sequences."""
EXAMINED_CHARACTERS = 256
_WORDS = (
    "administrator passphrase orchestrator qwertyuiop asdfghjkl changeit changeme iloveyou password passwort sunshine "
    "zxcvbnm default example letmein welcome access casare change dragon master monkey qwerty qwertz secret server "
    "admin guest login robot token user123 root jwt"
)
_COMMON = re.compile("|".join(sorted(set(_WORDS.split()), key=len, reverse=True)))
_NO_LETTER_OR_DIGIT = re.compile(r"[^a-z0-9\x80-\U0010ffff]")
SEQUENCE_LENGTH = 3


def weakness_of(secret: str) -> str | None:
    """Why a secret can be guessed, in words that do not contain it; `None` when no rule finds it weak.

    >>> weakness_of("aaaaaaaaaaaaaaaa")
    'it has fewer than 8 different characters'
    >>> weakness_of("correct-horse-battery-staple") is None
    True
    """
    text = secret[:EXAMINED_CHARACTERS].lower()
    if len(set(text)) < MIN_DIFFERENT_CHARACTERS:
        return f"it has fewer than {MIN_DIFFERENT_CHARACTERS} different characters"
    if _repeats(text):
        return "it repeats a shorter text"
    if len(_without_sequences(_COMMON.sub("", _NO_LETTER_OR_DIGIT.sub("", text)))) < MIN_OTHER_CHARACTERS:
        return "it consists of common words and sequences"
    return None


def _repeats(text: str) -> bool:
    return any(text[period:] == text[:-period] for period in range(1, len(text) // 2 + 1))


def _without_sequences(text: str) -> str:
    """The text without runs of `SEQUENCE_LENGTH` or more equal, ascending or descending characters."""
    kept: list[str] = []
    start = 0
    while start < len(text):
        end = start + 1
        step = ord(text[end]) - ord(text[start]) if end < len(text) else 2
        while abs(step) <= 1 and end < len(text) and ord(text[end]) - ord(text[end - 1]) == step:
            end += 1
        if end - start >= SEQUENCE_LENGTH:
            start = end
        else:
            kept.append(text[start])
            start += 1
    return "".join(kept)
