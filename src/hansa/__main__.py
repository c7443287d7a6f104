"""`python -m hansa`."""

from hansa.cli import main

main(prog_name="hansa")
