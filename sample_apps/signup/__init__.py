"""Somebody registers, gets a mail, clicks the link in it; until then a reminder goes out now and then."""
