"""Values to text and back: the only room with cattrs."""
