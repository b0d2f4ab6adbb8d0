"""Figures that both sides read the same way: the measures (pure), and the reading queries behind them."""
