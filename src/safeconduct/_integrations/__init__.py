"""Share what several integrations need."""
