"""The NGSI-LD HTTP binding (ETSI CIM 009 v1.9.1, chapter 6; report section 4.1.9.4).

Owns what a request of the standard means and how its answer looks. It must not open a socket, touch a store but through
the City, or decide who may see what: every read and write carries the request's sight.

Operations stand apart from HTTP, one module for a family of clauses:

- `provision` (5.6: what a body makes into Writes), `asked` (5.7.1, 5.7.2: what a request asks for; how answers look
  in `looks`, from a body in `posted`), `inventory` (5.7.5 to 5.7.10: types and attributes); of entities through time
  `interval` (4.11: when), `evolution` (5.7.3, 5.7.4: which), `aggregation` (4.5.19) and `moments` (4.5.6 to 4.5.9: how
  they look),
- `entities` (6.4, 6.5), `retrieval` (6.4.3.2, 6.5.3.1, 6.23: consuming them), `purge` (6.4.3.3), `attributes` (6.6,
  6.7), `batch` (6.14 to 6.17, 6.31), `temporal` and `temporal_provision` (6.18 to 6.24, 6.35), `discovery` (6.25 to
  6.28), `subscriptions` (6.10, 6.11), `contexts` (6.29, 6.30), `entity_maps` (6.32, 6.34) bind them to HTTP,
- `exchange` is one request on its way, `media` and `answers` its two ends (6.3), `binding` the door.
"""

from hansa.platform.ngsild.binding import NgsiLd

__all__ = ["NgsiLd"]
