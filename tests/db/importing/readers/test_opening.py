import gzip
from pathlib import Path

import pytest

from db.importing.readers import ReadingOptions, open_feed
from db.importing.records import BookRecord, Reject
from tests.db.importing.readers.sources import import_error, read_records, write_lines


async def test_no_source_is_rejected():
    assert (
        await import_error("csv") == "nothing to import; name the files or folders to read in the format csv."
    )
    assert await import_error("postgres") == (
        "nothing to import; name the server with --from to read in the format postgres."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "name"}, "--source name: this name is reserved; choose another."),
        ({"source": "My Shop"}, "--source My Shop: use at most 50 lower-case letters, digits, - and _."),
        ({"source": ""}, "--source : use at most 50 lower-case letters, digits, - and _."),
        ({"currency": "Euro"}, "--currency Euro: not an ISO 4217 code such as EUR."),
    ],
)
async def test_invalid_options_are_rejected(tmp_path: Path, options: dict[str, str], message: str):
    source = write_lines(tmp_path / "books.csv", "source_id,title", "1,Emma")

    assert await import_error("csv", source, **options) == message


@pytest.mark.parametrize("format_", ["csv", "jsonl", "oscar"])
async def test_a_file_that_is_not_there_is_one_clear_error(tmp_path: Path, format_: str):
    path = tmp_path / "none.csv"

    assert await import_error(format_, path) == f"{path}: there is no such file; check the path."


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
async def test_an_empty_file_is_one_clear_error(tmp_path: Path, content: bytes):
    path = tmp_path / "books.csv"
    path.write_bytes(content)

    assert await import_error("csv", path) == (
        f"{path}: the file is empty; check that it was exported completely."
    )


async def test_a_file_of_blank_lines_has_no_headings(tmp_path: Path):
    path = write_lines(tmp_path / "books.csv", "", "")

    assert await import_error("csv", path) == (
        f"{path}: the file has no rows; the first row must contain the headings."
    )


async def test_a_folder_in_place_of_a_file_is_one_clear_error(tmp_path: Path):
    assert await import_error("csv", tmp_path) == f"{tmp_path}: is a folder; name the file in it."


async def test_a_special_file_is_one_clear_error():
    assert await import_error("csv", "/dev/null") == "/dev/null: is not a regular file; save it as one first."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_what_is_certain_of_an_encoding_needs_no_option(tmp_path: Path, encoding: str):
    path = tmp_path / "books.csv"
    path.write_bytes("source_id,title\n1,Émile\n".encode(encoding))

    assert await read_records("csv", path) == [BookRecord(2, "1", "Émile")]


async def test_an_encoding_that_is_not_certain_must_be_named(tmp_path: Path):
    path = tmp_path / "books.csv"
    path.write_bytes("source_id,title\n1,Émile\n".encode("windows-1252"))
    reading = ReadingOptions(encoding="windows-1252")

    assert await read_records("csv", path, reading=reading) == [BookRecord(2, "1", "Émile")]
    assert await import_error("csv", path) == (
        f"{path}: not UTF-8: byte 0xc9 at offset 18 (line 2);"
        " save it as UTF-8, or for csv name its encoding, such as --encoding windows-1252."
    )
    assert await import_error("csv", path, reading=ReadingOptions(encoding="ascii")) == (
        f"{path}: not ascii: ordinal not in range(128); --encoding ascii is not its encoding."
    )
    assert await import_error("csv", path, reading=ReadingOptions(encoding="latin-0")) == (
        "--encoding latin-0: there is no such encoding; write a name such as utf-8, windows-1252 or utf-16."
    )


@pytest.mark.parametrize(
    "title",
    [
        "Œuvres complètes – l’été à 5 €",
        "„Großer Spaß“ für „Müßiggänger“",
        "¿Qué? ‘Corazón’ … niñez—mañana",
        "Português: orações – “Não põe”",
        "L'«amour» en cœur… naïf",
        "Smørrebrød ‘på’ Ærø",
    ],
)
async def test_windows_1252_is_certain_by_its_quotes_dashes_and_euro_signs(tmp_path: Path, title: str):
    path = tmp_path / "books.csv"
    path.write_bytes(f"source_id,title\n1,Emma\n2,{title}\n".encode("windows-1252"))
    packed = tmp_path / "books.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    feed = await open_feed("csv", [path])

    assert [record async for batch in feed.batches for record in batch][1] == BookRecord(3, "2", title)
    assert feed.notes.guesses == ["books.csv: is windows-1252, not UTF-8; --encoding says otherwise"]
    assert (await read_records("csv", packed))[1] == BookRecord(3, "2", title)


@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("latin-1", "Crème brûlée, déjà vu"),
        ("windows-1250", "„Žluťoučký kůň” – úpěl"),
        ("windows-1250", "„Gęślą jaźń” – źdźbło i łąka"),
        ("windows-1250", "„Őrült” – tűző"),
        ("windows-1251", "«Война и мир» – роман"),
        ("windows-1253", "«Ζορμπάς» – ‘βίος’"),
        ("windows-1254", "“Çalıkuşu” – ağaç"),
        ("windows-1257", "„Žemė” – šalis"),
        ("cp437", "Märchen für Größere"),
        ("cp850", "voilà l'été – ça".replace("–", "-")),
        ("mac-roman", "“L’été” – à Noël"),
        ("shift-jis", "吾輩は猫である"),
        ("gb18030", "红楼梦"),
        ("big5", "紅樓夢"),
        ("euc-kr", "태백산맥"),
    ],
)
async def test_no_other_encoding_is_taken_for_windows_1252(tmp_path: Path, encoding: str, title: str):
    path = tmp_path / "books.csv"
    path.write_bytes(f"source_id,title\n1,Emma\n2,{title}\n".encode(encoding))

    assert (await import_error("csv", path)).startswith(f"{path}: not UTF-8: byte 0x")


async def test_utf_8_with_a_line_of_windows_1252_is_neither(tmp_path: Path):
    path = tmp_path / "books.csv"
    path.write_bytes("source_id,title\n1,Émile – “x”\n".encode() + "2,“Zoë”\n".encode("windows-1252"))

    assert (await import_error("csv", path)).startswith(
        f"{path}: not UTF-8: byte 0x93 at offset 39 (line 3);"
    )


async def test_a_file_without_line_breaks_is_no_table(tmp_path: Path):
    path = tmp_path / "books.csv"
    path.write_bytes(b"x" * (1 << 21))

    assert await import_error("csv", path) == (
        f"{path}: the first line is longer than 1,048,576 bytes; the file is not a table of rows."
    )


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
@pytest.mark.parametrize("rows", [0, 100_000])
async def test_a_byte_that_is_not_utf_8_is_reported_with_its_offset_at_any_depth(
    tmp_path: Path, format_: str, rows: int
):
    line = '{"source_id": 1, "title": "x"}' if format_ == "jsonl" else "1,x"
    before = "".join(
        f"{part}\n" for part in ("source_id,title" if format_ == "csv" else line, *[line] * rows)
    )
    path = tmp_path / "books"
    path.write_bytes(before.encode() + '2,"Émile"\n'.encode("latin-1"))

    assert await import_error(format_, path) == (
        f"{path}: not UTF-8: byte 0xc9 at offset {len(before) + 3:,} (line {rows + 2:,});"
        " save it as UTF-8, or for csv name its encoding, such as --encoding windows-1252."
    )


async def test_a_long_cell_that_nothing_reads_costs_nothing(tmp_path: Path):
    path = write_lines(tmp_path / "books.csv", "source_id,title,fulltext", f"1,Emma,{'x' * 140_000}")

    assert await read_records("csv", path) == [BookRecord(2, "1", "Emma")]


async def test_a_cell_without_end_is_one_reject(tmp_path: Path):
    path = write_lines(tmp_path / "books.csv", "source_id,title", f"1,{'x' * 8_000_001}", "2,Emma")

    reject, book = await read_records("csv", path)

    assert reject == Reject(
        2, "row", f"1,{'x' * 198}", "a cell of more than 8,000,000 characters; is a quote left open?"
    )
    assert book == BookRecord(3, "2", "Emma")


async def test_an_unreadable_file_is_one_clear_error():
    memory = "/proc/self/mem"  # a file that even root cannot read from its beginning

    assert await import_error("csv", memory) == (
        f"{memory}: cannot be read (Input/output error); check its permissions."
    )


async def test_a_feed_that_is_never_read_keeps_no_file_open(tmp_path: Path):
    path = write_lines(tmp_path / "books.csv", "source_id,title", "1,Emma")

    assert len(await read_records("csv", path)) == 1
