"""OGC SensorThings API 1.1 (OGC 18-088), reading, over what is published: `doors` at `/sta/v1.1`.

`expressions` and `values` are its filters, `sets` its data model, `asking` its addresses, `rows` and `found` what there
is of the city in it, `answers` how that is written. It reads `city.public` and `published` alone.
"""
