"""Titles of works: which titles and subtitles are of editions of one work."""

import asyncpg
import pytest

from db.work_titles import main_title_sql, title_words_sql, work_title_sql

AGREES = f"""
SELECT {work_title_sql("fold($1::text)")} = {work_title_sql("fold($2::text)")},
       starts_with({title_words_sql("title_sort_key($2::text, 'en')")}, {main_title_sql("title_sort_key($1::text, 'en')")})
"""


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("The Age of Innocence", "Age of Innocence"),
        ("Moby-Dick; or, The Whale", "Moby Dick: or the Whale"),
        ("Moby-Dick; or, The Whale", "Moby-Dick (Penguin Classics)"),
        ("Thaïs", "Thais"),
        ("Ghosts: A Domestic Tragedy", "Ghosts"),
        ("Sister Carrie: A Novel", "Sister Carrie"),
        ("Emma, 2nd edition", "Emma: Third Edition, Annotated"),
        ("Emma (illustrated)", "Emma — Complete"),
        ("Emma: Unabridged", "Emma [Large Print]"),
        ("Candide: translated by Tobias Smollett", "Candide"),
        ("Der Struwwelpeter: oder lustige Geschichten", "Der Struwwelpeter"),
        ("How to Tell a Story, and Other Essays", "How to Tell a Story and Other Essays"),
        ("Faust, Part 1", "Faust: Part 1"),
        ("Poems. Second Edition", "Poems"),
        ("瀛涯勝覽", "瀛涯勝覽, Complete"),
    ],
)
async def test_titles_of_editions_agree(connection: asyncpg.Connection, title: str, other: str) -> None:
    assert tuple(await connection.fetchrow(AGREES, title, other) or ()) == (True, True)
    assert tuple(await connection.fetchrow(AGREES, other, title) or ()) == (True, True)


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Faust: First Part", "Faust: Second Part"),
        ("Faust, Part 1", "Faust, Part 2"),
        ("Faust", "Faust, Part 1"),
        ("The Warden, Vol. I", "The Warden, Vol. II"),
        ("Nach Amerika!: Ein Volksbuch. Erster Band", "Nach Amerika!: Ein Volksbuch. Zweiter Band"),
        ("Dune", "Dune: The Graphic Novel"),
        ("Dune", "Dune: A Companion to the Novel"),
        ("Dune", "Dune Boxed Set"),
        ("Emma", "Emma: A Play in Two Acts"),
        ("Emma", "Emma (Abridged)"),
        ("Uncle Tom's Cabin", "Uncle Tom's Cabin, Young Folks' Edition"),
        ("Avatar: The Promise, #1", "Avatar: The Search, #1"),
        ("Avatar: The Promise, #1", "Avatar: The Promise, #2"),
        ("Emma", "Emmanuel"),
        ("Poems: 1890", "Poems: 1891"),
        ("Expositions of Holy Scripture: Psalms", "Expositions of Holy Scripture: Genesis"),
    ],
)
async def test_titles_of_other_works_do_not_agree(
    connection: asyncpg.Connection, title: str, other: str
) -> None:
    assert (await connection.fetchrow(AGREES, title, other) or (None,))[0] is False
