"""What a person watches while a node trades: the values, and the page that shows them."""
