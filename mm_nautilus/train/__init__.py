"""From runs to a trained classifier of fills, and a page that says what it is worth."""
