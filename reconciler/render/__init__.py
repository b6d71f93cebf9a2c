"""What each cluster gets: overrides applied to feeds, once per distinct result. Pure."""
