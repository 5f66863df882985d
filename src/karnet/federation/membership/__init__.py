"""Who takes part: keys that people compare, invitations that travel as one text, certificates that are pinned. Pure."""
