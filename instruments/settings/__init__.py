"""One table of settings for each family of models: what is written, asked for, watched, offered and documented."""
