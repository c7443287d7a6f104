"""The verticals of chapter 4: one folder each; an app knows no other app and nothing below the façade."""
