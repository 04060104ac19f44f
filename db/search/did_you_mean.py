"""The text that a misspelt text should have been: in the words of the best hit, as they are spelled there."""

from collections.abc import Mapping

from db.search.readings import Reading
from db.search.vocabulary import Vocabulary


def corrected_text(
    text: str, vocabulary: Vocabulary, reading: Reading, spellings: Mapping[str, str]
) -> str | None:
    """Return the text with the corrections that the best hit has, in its spelling; None without any.

    The words that need no correction are in the spelling of the best hit, too.
    """
    corrected: dict[int, tuple[int, tuple[str, ...]]] = {}
    typed = {lexeme for word in vocabulary.words for lexeme in word.lexemes}
    for group in reading.groups:
        facts = vocabulary.words[group.start : group.stop]
        if all(lexeme in spellings for word in facts for lexeme in word.lexemes):
            continue
        found = [
            choice.words for choice in group.choices if choice.words and spellings.keys() >= set(choice.words)
        ]
        if found:
            # A word that is typed elsewhere is not the one that is meant here.
            corrected[group.start] = group.stop, min(found, key=lambda words: not typed.isdisjoint(words))
    if not corrected:
        return None
    return _respell(text, vocabulary, corrected, spellings)


def _respell(
    text: str,
    vocabulary: Vocabulary,
    corrected: Mapping[int, tuple[int, tuple[str, ...]]],
    spellings: Mapping[str, str],
) -> str:
    """Return the text with other words from the place of the first typed one to that of the last."""
    parts: list[str] = []
    end = place = 0
    while place < len(vocabulary.words):
        first = vocabulary.words[place]
        stop, words = corrected.get(place, (place + 1, first.lexemes))
        last = vocabulary.words[stop - 1]
        if stop > place + 1 or place in corrected or (len(words) == 1 and words[0] in spellings):
            parts += [text[end : first.typed.start], " ".join(spellings[word] for word in words)]
            end = last.typed.stop
        place = stop
    return " ".join("".join([*parts, text[end:]]).split())
