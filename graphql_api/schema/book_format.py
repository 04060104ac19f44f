"""The formats of books."""

from enum import Enum

import strawberry


@strawberry.enum(description="The format of an edition, in groups of ONIX's product forms.")
class BookFormat(Enum):
    HARDCOVER = strawberry.enum_value("HARDCOVER", description="A book with hard covers.")
    PAPERBACK = strawberry.enum_value("PAPERBACK", description="A book with soft covers.")
    MASS_MARKET_PAPERBACK = strawberry.enum_value(
        "MASS_MARKET_PAPERBACK", description="A paperback in the small size of the mass market."
    )
    BOARD_BOOK = strawberry.enum_value(
        "BOARD_BOOK", description="A children's book of board, cloth or plastic."
    )
    SPIRAL_BOUND = strawberry.enum_value("SPIRAL_BOUND", description="A book bound by a spiral or a comb.")
    LOOSE_LEAF = strawberry.enum_value("LOOSE_LEAF", description="Loose leaves, often in a ring binder.")
    PAMPHLET = strawberry.enum_value("PAMPHLET", description="A few stapled or folded pages.")
    EBOOK = strawberry.enum_value("EBOOK", description="A digital text.")
    AUDIOBOOK = strawberry.enum_value("AUDIOBOOK", description="A recording, on a disc or as a download.")
    MAP = strawberry.enum_value("MAP", description="A map, a chart or a globe.")
    BOX_SET = strawberry.enum_value("BOX_SET", description="Several items that are sold together.")
    OTHER = strawberry.enum_value("OTHER", description="Another format, for example a calendar or a video.")
