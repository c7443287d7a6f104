"""OGC SensorThings API 1.1 (OGC 18-088), reading, over what is published: `doors` at `/sta/v1.1`.

`expressions`, `values` and `shapes` are its filters, `sets` its data model, `asking` and `spots` its addresses,
`things` and `rows` what there is of the city in it, `bounds` and `found` how that is found, `answers` how it is
written. It reads `city.public` and `published` alone.
"""
