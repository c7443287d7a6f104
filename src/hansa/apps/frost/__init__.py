"""Frost warnings for growers (report section 4.1.4, success case 21)."""
