"""Consumer stations. Only reference rows so far; disputes come with a later issue."""
