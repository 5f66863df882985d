"""What docs/operating tells people at 2 a.m.: on real installations, by the commands themselves."""
