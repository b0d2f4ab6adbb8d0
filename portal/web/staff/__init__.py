"""What the vendor's people work with: compliance board, partners, queue, leads, lead definition."""
