"""The edit distance: how many letters are inserted, deleted, replaced or exchanged with their neighbour."""


def edit_distance(typed: str, word: str, limit: int = 2) -> int:
    """Return the distance of two words (optimal string alignment), at most `limit` + 1."""
    if abs(len(typed) - len(word)) > limit:
        return limit + 1
    while typed and word and typed[0] == word[0]:
        typed, word = typed[1:], word[1:]
    while typed and word and typed[-1] == word[-1]:
        typed, word = typed[:-1], word[:-1]
    if not typed or not word:
        return min(len(typed) + len(word), limit + 1)
    previous, row = [], list(range(len(word) + 1))
    for i, letter in enumerate(typed):
        before, previous, row = previous, row, [i + 1]
        for j, other in enumerate(word):
            cost = min(previous[j] + (letter != other), previous[j + 1] + 1, row[j] + 1)
            if i and j and letter == word[j - 1] and typed[i - 1] == other:
                cost = min(cost, before[j - 1] + 1)
            row.append(cost)
    return min(row[-1], limit + 1)
