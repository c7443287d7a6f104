"""The one place where parts are joined: a data folder becomes a running city.

Everything that a lower layer needs from a higher one is a function handed over here. Owns: opening and closing
(`running`), the folder and its lock (`folder`), who comes in by HTTP and where he goes (`front`), what the city says of
itself (`told`). Must not: decide anything about a city's information. Report: 2.1.
"""

from hansa.serve.folder import REALMS, Lock, clock_of, connect_realm, open_cities, token
from hansa.serve.keys import find_keys
from hansa.serve.running import Running, serve

__all__ = ["REALMS", "Lock", "Running", "clock_of", "connect_realm", "find_keys", "open_cities", "serve", "token"]
