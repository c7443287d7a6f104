"""Under which ending a table is handed out, and with which media type."""

from typing import Final

from hansa.collect import sheets

FORMS: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "geojson": "application/geo+json",
    "xlsx": sheets.XLSX,
}
