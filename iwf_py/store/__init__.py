"""SQL: the only room with sqlmodel. The engine's alone: nobody else writes its tables."""
