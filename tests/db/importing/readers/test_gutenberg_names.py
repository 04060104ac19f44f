import pytest

from db.importing.readers.gutenberg_names import clean_name, direct_order_name


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Shakespeare, William", "William Shakespeare"),
        ("Kennedy, John F. (John Fitzgerald)", "John F. Kennedy"),
        ("Badger, Jos. E. (Joseph Edward)", "Jos. E. Badger"),
        ("Mackinlay, M. (Malcolm) Sterling", "M. Sterling Mackinlay"),
        ("Dunn, J. Allan, (Joseph Allan)", "J. Allan Dunn"),
        ("S., A. P. I. (Samuels, Arthur Purefoy Irwin)", "A. P. I. S."),
        ("Ward, William (Author at Arthur Westbrook Co. (Cleveland, Ohio))", "William Ward"),
    ],
)
def test_the_given_name_comes_first(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Beethoven, Ludwig van", "Ludwig van Beethoven"),
        ("Lek, H. A. A. van der (Hendrik Adrianus Abraham)", "H. A. A. van der Lek"),
        ("Sandick, R. A. (Rudolf Adriaan) van", "R. A. van Sandick"),
        ("Alembert, Jean Le Rond d'", "Jean Le Rond d'Alembert"),
        ("Fénelon, François de Salignac de La Mothe-", "François de Salignac de La Mothe-Fénelon"),
        ("Hoff, J. H. van 't (Jacobus Henricus)", "J. H. van 't Hoff"),
        ("Lima, João de Lebre e", "João de Lebre e Lima"),
    ],
)
def test_a_given_name_that_ends_in_a_particle_is_followed_by_the_surname(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Doyle, Arthur Conan, Sir", "Sir Arthur Conan Doyle"),
        ("Ward, Humphry, Mrs.", "Mrs. Humphry Ward"),
        ("Osborne, David, Mrs. (Fanny)", "Mrs. David Osborne"),
        ("Hamilton, Frederic, Lord", "Lord Frederic Hamilton"),
        ("More, Thomas, Saint", "Saint Thomas More"),
        ("Bede, the Venerable, Saint", "Saint Bede the Venerable"),
        ("Augustine, Saint, Bishop of Hippo", "Saint Augustine, Bishop of Hippo"),
        ("Liguori, Alfonso Maria de', Saint", "Saint Alfonso Maria de' Liguori"),
        ("Ignatius, Father, O.S.B.", "Father Ignatius, O.S.B."),
        ("Orléans, Henri d', Prince", "Prince Henri d'Orléans"),
    ],
)
def test_a_form_of_address_precedes_the_name(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Fox, John, Jr.", "John Fox, Jr."),
        ("Morse, John T., Jr. (John Torrey)", "John T. Morse, Jr."),
        ("Appleton, Victor, II", "Victor Appleton II"),
        ("Lee, Henry, M.D.", "Henry Lee, M.D."),
        ("Cotton, William, F.S.A., of Exeter", "William Cotton, F.S.A., of Exeter"),
        ("Kalakaua, David, King of Hawaii", "David Kalakaua, King of Hawaii"),
    ],
)
def test_a_distinguishing_part_follows_the_name(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Massa, Philippe, marquis de", "Philippe, marquis de Massa"),
        ("Holbach, Paul Henri Thiry, baron d'", "Paul Henri Thiry, baron d'Holbach"),
        ("Comminges, Aimery de, comte de", "Aimery, comte de Comminges"),
        ("Kelvin, William Thomson, Baron", "William Thomson, Baron Kelvin"),
        ("Hylton, William Jolliffe, Sir, 1st Baron", "Sir William Jolliffe, 1st Baron Hylton"),
        ("Dufferin and Ava, F. Blackwood, Marquis of", "F. Blackwood, Marquis of Dufferin and Ava"),
        ("Disraeli, Benjamin, Earl of Beaconsfield", "Benjamin Disraeli, Earl of Beaconsfield"),
        ("Rochester, John Wilmot, Earl of,", "John Wilmot, Earl of Rochester"),
        ("Tolstoy, Leo, graf", "Leo Tolstoy"),
        ("Sade, marquis de", "marquis de Sade"),
        ("Prévost, abbé", "abbé Prévost"),
        ("Durand, l'Abbé (Durand, Édouard-Joseph)", "l'Abbé Durand"),
        ("Maintenon, Madame de", "Madame de Maintenon"),
    ],
)  # fmt: skip
def test_a_title_is_joined_with_its_name(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Leonardo, da Vinci", "Leonardo da Vinci"),
        ("Thomas, à Kempis", "Thomas à Kempis"),
        ("Pliny, the Younger", "Pliny the Younger"),
        ("Charles, d'Orléans", "Charles d'Orléans"),
        ("Saxo, Grammaticus", "Saxo Grammaticus"),
        ("Thomas, Aquinas, Saint", "Saint Thomas Aquinas"),
        ("Marie, de France, active 12th century", "Marie de France"),
        ("Lee, M. (Mary), active 1867-1892", "M. Lee"),
        ("Sunzi, active 6th century B.C.", "Sunzi"),
        ("Li, Xiuxing, jin shi 1715", "Xiuxing Li"),
    ],
)
def test_bynames_follow_the_only_name_and_dates_are_left_out(name: str, spoken: str):
    assert direct_order_name(name) == spoken


@pytest.mark.parametrize(
    "name",
    [
        "Homer",
        "Various",
        "Anonymous",
        "Henry VIII, King of England",
        "Labat, maître d'armes",
        "Louise Tardieu d'Esclavelles, marquise d' Épinay",
        "Kames, Henry Home, Lord",
        "Lowe, (Dr.) (William Herbert)",
        "Braga Jr., [pseud.]",
        "Aristotle, pseud.",
        "V. Payen-Payne, de (Vinchelés Payen-Payne)",
        "Motor, the automotive business magazine",
        "Sears, Roebuck and Company",
        "Longman, Brown, Green, and Longmans",
        "Scott, Greenwood & Co.",
        "Dakota Engineering Company, Mitchell, S.D.",
        "Germany. Laws, statutes, etc.",
        "Stamp Act Congress (1765 : New York, N.Y.)",
        "Union and Emancipation Society (Manchester, England)",
        ", William",
    ],
)
def test_an_ambiguous_name_keeps_the_inverted_form(name: str):
    assert direct_order_name(name) == name


def test_direction_marks_and_surplus_spaces_are_removed():
    assert clean_name("Cook, D. J.\u200f  \u200e(David J.)") == "Cook, D. J. (David J.)"
