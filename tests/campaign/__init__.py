"""Broken inputs by the hundred: what each command makes of them, in a process of its own."""
