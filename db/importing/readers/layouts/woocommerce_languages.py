"""The products that WooCommerce exports where the shop is in another language: it translates the headings."""

from collections.abc import Mapping

from db.importing.readers.layouts import woocommerce
from db.importing.readers.layouts.layout import Layout
from db.importing.readers.layouts.translated import translate_layout

_GERMAN = {
    "typ": "type",
    "artikelnummer": "sku",
    "gtin,_upc,_ean_oder_isbn": "gtin,_upc,_ean,_or_isbn",
    "veröffentlicht": "published",
    "kurzbeschreibung": "short_description",
    "beschreibung": "description",
    "datum,_an_dem_angebotspreis_endet": "date_sale_price_ends",
    "vorrätig?": "in_stock?",
    "bestand": "stock",
    "angebotspreis": "sale_price",
    "regulärer_preis": "regular_price",
    "kategorien": "categories",
    "bilder": "images",
    "übergeordnetes_produkt": "parent",
}
_SPANISH = {
    "tipo": "type",
    "gtin,_upc,_ean_o_isbn": "gtin,_upc,_ean,_or_isbn",
    "nombre": "name",
    "publicado": "published",
    "descripción_corta": "short_description",
    "descripción": "description",
    "día_en_que_termina_el_precio_rebajado": "date_sale_price_ends",
    "¿existencias?": "in_stock?",
    "inventario": "stock",
    "precio_rebajado": "sale_price",
    "precio_normal": "regular_price",
    "categorías": "categories",
    "imágenes": "images",
    "superior": "parent",
}
_FRENCH = {
    "ugs": "sku",
    "gtin,_upc,_ean_ou_isbn": "gtin,_upc,_ean,_or_isbn",
    "nom": "name",
    "publié": "published",
    "description_courte": "short_description",
    "date_de_fin_de_promo": "date_sale_price_ends",
    "en_stock_?": "in_stock?",
    "tarif_promo": "sale_price",
    "tarif_régulier": "regular_price",
    "catégories": "categories",
}


def _translate(language: str, headings: Mapping[str, str], name: str, values: str) -> Layout:
    """Return the layout in a language. `name` and `values` are the headings of an attribute by its number."""
    attributes = {
        heading.format(number): f"attribute_{number}_{part}"
        for number in range(1, woocommerce.MAX_ATTRIBUTES)
        for heading, part in ((name, "name"), (values, "value(s)"))
    }
    return translate_layout(woocommerce.LAYOUT, f"WooCommerce in {language}", {**headings, **attributes})


LAYOUTS = (
    _translate("German", _GERMAN, "attribut_{}_name", "attribut_{}_wert(e)"),
    _translate("Spanish", _SPANISH, "nombre_del_atributo_{}", "valor(es)_del_atributo_{}"),
    _translate("French", _FRENCH, "nom_de_l’attribut_{}", "valeur(s)_de_l’attribut_{}"),
)
