"""Nearest names for a typo, and short lists of what is allowed."""

import difflib
from collections.abc import Collection

_MANY = 200


def nearest(word: str, words: Collection[str]) -> str | None:
    """The word that was probably meant; None when nothing is near."""
    if len(words) > _MANY:
        # comparing costs 20 µs a pair; a typo seldom hits both ends of a word
        words = [other for other in words if other[:2] == word[:2] or other[-3:] == word[-3:]][:_MANY]
    folded = {other.casefold(): other for other in sorted(words, reverse=True)}
    if word.casefold() in folded:
        return folded[word.casefold()]
    found = difflib.get_close_matches(word.casefold(), sorted(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, words: Collection[str]) -> str:
    """“Did you mean 'x'?”, or nothing."""
    near = nearest(word, words)
    return f"Did you mean '{near}'?" if near is not None else ""


def one_of(words: Collection[str], conjunction: str = "or", limit: int = 12) -> str:
    """“'a', 'b' or 'c'”; the end of a long list is left out."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) > limit:
        return ", ".join(quoted[:limit]) + " …"
    return f" {conjunction} ".join(part for part in (", ".join(quoted[:-1]), quoted[-1] if quoted else "") if part)
