"""Tags of templates, loaded by Django by the names of the modules."""
