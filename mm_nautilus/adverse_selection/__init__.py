"""What our fills turned out to be worth once the market had moved on."""
