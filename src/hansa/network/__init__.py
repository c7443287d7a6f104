"""§2.1.2 NETWORKING: the only sockets of hansa, apart from `serve`.

Owns bytes on wires: the MQTT endpoint, the HTTP client behind the egress wall, other brokers, the live stream.
Must not decide who may say what (that is `trust`), what bytes mean (that is `collect`), or what becomes of them
(that is `platform`): those are functions that `serve` hands over.
"""
