"""The table of products that Shopify offers as a template, with other headings than its export."""

from db.importing.readers.layouts import shopify
from db.importing.readers.layouts.translated import translate_layout

LAYOUT = translate_layout(
    shopify.LAYOUT,
    "Shopify template",
    {
        "url_handle": "handle",
        "description": "body_(html)",
        "published_on_online_store": "published",
        "sku": "variant_sku",
        "barcode": "variant_barcode",
        "price": "variant_price",
        "inventory_quantity": "variant_inventory_qty",
        "product_image_url": "image_src",
        "variant_image_url": "variant_image",
    },
)
