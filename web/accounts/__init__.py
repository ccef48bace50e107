"""Who is asking: passwords, sessions, tokens of scripts, the pages to log in and out."""
