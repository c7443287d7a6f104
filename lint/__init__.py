"""What looks at hansa before it ships: leaked secrets, licences, locks, advisories, and the making of a release.

It owns the checks of the supply chain, and the rules of our own (`semgrep/`). It must not be imported by hansa, nor
ship with it. Each check is a module that runs by itself (`python -m lint.leaked`): 0 when all is well, 1 when something
was found, 2 when it could not look. A check that could not look never says that all is well.
"""
