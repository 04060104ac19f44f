"""Documents built to be slow, drawn by Hypothesis: known attacks on servers, in many sizes."""

from collections.abc import Callable

from hypothesis import strategies as st

FIELDS = {
    "Query": ["books", "authors", "categories"],
    "BookConnection": ["nodes"],
    "Book": ["authors", "categories", "contributions"],
}
LEAVES = ["id", "title", "isbn", "__typename"]


def doubling(depth: int, width: int) -> str:
    """Each fragment spreads the next one `width` times: width ** depth fields."""
    bodies = [f"fragment F{n} on Book {{ {f'...F{n + 1} ' * width}}}" for n in range(depth)]
    return f"{{ books {{ nodes {{ ...F0 }} }} }} {' '.join(bodies)} fragment F{depth} on Book {{ id }}"


def aliased_doubling(depth: int, width: int) -> str:
    """The same through aliased fields, so that each spread adds a separate object to the result."""
    bodies = [
        f"fragment F{n} on Author {{ {' '.join(f'a{k}: books {{ nodes {{ authors {{ ...F{n + 1} }} }} }}' for k in range(width))} }}"
        for n in range(depth)
    ]
    return f"{{ authors {{ nodes {{ ...F0 }} }} }} {' '.join(bodies)} fragment F{depth} on Author {{ id }}"


def crossing(count: int, width: int) -> str:
    """Every fragment spreads every later one."""
    bodies = [
        f"fragment F{n} on Book {{ id {' '.join(f'...F{m}' for m in range(n + 1, min(count, n + 1 + width)))} }}"
        for n in range(count)
    ]
    return f"{{ books {{ nodes {{ ...F0 }} }} }} {' '.join(bodies)}"


def cycles(count: int, width: int) -> str:
    """Every fragment spreads others in cycles."""
    bodies = [
        f"fragment F{n} on Book {{ id {' '.join(f'...F{(n + m + 1) % count}' for m in range(width))} }}"
        for n in range(count)
    ]
    return f"{{ books {{ nodes {{ ...F0 }} }} }} {' '.join(bodies)}"


def overlapping(count: int, width: int) -> str:
    """The same field repeatedly, each time with its own selection set."""
    return (
        "{ "
        + " ".join(f"books(first: 10) {{ nodes {{ {' '.join(LEAVES[:width])} }} }}" for _ in range(count))
        + " }"
    )


def overlapping_fragments(count: int, width: int) -> str:
    bodies = [
        f"fragment F{n} on Query {{ books {{ nodes {{ {' '.join(LEAVES[:width])} authors {{ name }} }} }} }}"
        for n in range(count)
    ]
    return f"{{ {' '.join(f'...F{n}' for n in range(count))} }} {' '.join(bodies)}"


def inline(depth: int, width: int) -> str:
    return "{ " + ("... on Query { " * depth + "books { totalCount } " + "} " * depth) * width + "}"


def deep_lists(depth: int, width: int) -> str:
    return f"{{ nodes(ids: [{', '.join(['[' * depth + '1' + ']' * depth] * width)}]) {{ id }} }}"


def deep_objects(depth: int, width: int) -> str:
    value = "{field: " * depth + "TITLE" + "}" * depth
    return "{ " + " ".join(f"a{n}: books(orderBy: {value}) {{ totalCount }}" for n in range(width)) + " }"


def aliases(count: int, width: int) -> str:
    return (
        "{ "
        + " ".join(f"a{n}: books {{ nodes {{ {' '.join(LEAVES[:width])} }} }}" for n in range(count))
        + " }"
    )


def directives(count: int, width: int) -> str:
    return (
        "{ " + " ".join(f"books {'@include(if: true) ' * width}{{ totalCount }}" for _ in range(count)) + " }"
    )


def variables(count: int, width: int) -> str:
    declared = " ".join(f"$v{n}: Int = {n}" for n in range(count))
    return (
        f"query ({declared}) {{ {' '.join(f'books(first: $v{n}) {{ totalCount }}' for n in range(width))} }}"
    )


def operations(count: int, width: int) -> str:
    return " ".join(f"query Q{n} {{ {'__typename ' * width}}}" for n in range(count))


def unknown(count: int, width: int) -> str:
    return "{ " + " ".join(f"{'book' * width}{n}" for n in range(count)) + " }"


def deep_fields(depth: int, width: int) -> str:
    opening = "authors { books { nodes { "
    return "{ books { nodes { " + opening * depth + " ".join(LEAVES[:width]) + " } } }" * depth + " } } }"


def introspection(depth: int, width: int) -> str:
    opening = "fields { name type { "
    return "{ __schema { types { " + opening * depth + " name " * width + "} } " * depth + "} } }"


def comments(count: int, width: int) -> str:
    return f"{'#' * width}\n" * count + "{ __typename }"


def block_strings(count: int, width: int) -> str:
    return '{ book(by: {isbn: """' + ("\\" * width + '"\n') * count + '"""}) { id } }'


def unterminated(count: int, width: int) -> str:
    return '{ book(by: {isbn: "' + ('"""\\' * width) * count


def costly(first: int, depth: int) -> str:
    opening = f"authors {{ books(first: {first % 120}) {{ nodes {{ "
    return (
        f"{{ books(first: {first % 120}) {{ nodes {{ "
        + opening * (depth % 5)
        + "id"
        + " } } }" * (depth % 5)
        + " } } }"
    )


def same_mutation(count: int, width: int) -> str:
    """The same write under many aliases, each with a payload of overlapping fields."""
    write = 'adjustStock(by: {isbn: "9780306406157"}, delta: 1)'
    return (
        "mutation { "
        + " ".join(f"a{n}: {write} {{ {'errors { code } ' * width} }}" for n in range(count))
        + " }"
    )


def mutations_in_fragments(count: int, width: int) -> str:
    """Fragments that spread writes, each spread `width` times."""
    write = 'deleteBook(by: {id: "Qm9vazox"}) { deletedId }'
    bodies = [f"fragment F{n} on Mutation {{ a{n}: {write} }}" for n in range(count)]
    spreads = " ".join(f"...F{n} " * width for n in range(count))
    return f"mutation {{ {spreads} }} {' '.join(bodies)}"


def offers(count: int, width: int) -> str:
    """A write of count * width offers."""
    offer = '{by: {isbn: "9780306406157"}, price: {amount: 1e99, currencyCode: ""}} '
    return f"mutation {{ updateOffers(offers: [{offer * (count * width)}]) {{ books {{ id }} errors {{ code }} }} }}"


def records(count: int, width: int) -> str:
    """Writes of `count` records, `width` times."""
    record = '{sourceId: "1", title: "a", categories: "a > b"} '
    write = f'upsertBooks(source: "s", books: [{record * count}]) {{ results {{ book {{ id }} }} }}'
    return "mutation { " + " ".join(f"a{n}: {write}" for n in range(width)) + " }"


def deep_payload(depth: int, width: int) -> str:
    """A write whose payload leads through relations to many rows."""
    opening = "authors { books(first: 100) { nodes { "
    book = opening * depth + " ".join(LEAVES[:width]) + " } } }" * depth
    return f'mutation {{ updateBook(by: {{id: ""}}, input: {{}}) {{ book {{ {book} }} }} }}'


SHAPES: list[Callable[[int, int], str]] = [
    doubling,
    aliased_doubling,
    crossing,
    cycles,
    overlapping,
    overlapping_fragments,
    inline,
    deep_lists,
    deep_objects,
    aliases,
    directives,
    variables,
    operations,
    unknown,
    deep_fields,
    introspection,
    comments,
    block_strings,
    unterminated,
    costly,
    same_mutation,
    mutations_in_fragments,
    offers,
    records,
    deep_payload,
]

SIZES = st.one_of(st.integers(1, 12), st.integers(1, 120), st.sampled_from([200, 400, 800]))


@st.composite
def hostile_documents(draw: st.DrawFn) -> str:
    """Draw a document within the size limit of an HTTP body."""
    shape = draw(st.sampled_from(SHAPES))
    return shape(draw(SIZES), draw(st.integers(1, 20)))[:100_000]


def everything(depth: int, width: int) -> str:
    """Every relation of every type, below empty pages, which cost nothing."""
    book = "id title"
    for _ in range(min(depth, 4)):
        book = f"id authors {{ name books(first: 0) {{ nodes {{ {book} }} }} }} categories {{ parent {{ ancestors {{ name }} }} }}"
    return "{ " + " ".join(f"a{n}: books(first: 0) {{ nodes {{ {book} }} }}" for n in range(width)) + " }"


SHAPES.append(everything)
