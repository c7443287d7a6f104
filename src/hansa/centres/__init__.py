"""The centres (report section 2.4.2): where people look at the city.

Owns the page at `/` and those of the context base (`/entities`, `/subscriptions`, `/contexts`), their templates, their
design system (`static/hansa.css`), their modules and what is vendored beside them. `web` has the routes, `stations`
says in words what a station says, `files` hands out what does not change.
It must not read the store or a socket: what the page shows first comes from a function that `serve` hands over, and
everything after that from the public doors (`/ngsi-ld/v1`, `/live`, `/health`), with the rights of whoever looks.
"""
