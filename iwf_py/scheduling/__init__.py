"""The alarm: the only room with apscheduler."""
