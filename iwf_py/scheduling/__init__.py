"""The alarm and the calendar: the only room with apscheduler."""
