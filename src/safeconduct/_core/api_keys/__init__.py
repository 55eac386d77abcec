"""API keys: their wire form, what a store keeps of them, and who may do what with one."""
