"""Estimators: fair value, volatility, order-arrival intensity, order flow."""
